package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/zkcoord"
)

// roleFlags are what both roles take.
type roleFlags struct {
	zookeeper      string
	root           string
	listen         string
	advertise      string
	sessionTimeout time.Duration
	logLevel       string
	logFormat      string
}

func (f *roleFlags) add(cmd *cobra.Command, listen string) {
	flags := cmd.Flags()
	flags.StringVar(&f.zookeeper, "zookeeper", "127.0.0.1:2181", "ZooKeeper's servers, `HOST:PORT,...`")
	flags.StringVar(&f.root, "root", "/medcommit", "the cluster's `path` in ZooKeeper")
	flags.StringVar(&f.listen, "listen", listen, "answer on this `address`; it must be on loopback")
	flags.StringVar(&f.advertise, "advertise", "", "the `URL` at which others reach this process (default: from --listen)")
	flags.DurationVar(&f.sessionTimeout, "session-timeout", 4*time.Second, "after how long without a word ZooKeeper ends the session")
	flags.StringVar(&f.logLevel, "log-level", "info", "`level`: trace, debug, info, warn or error")
	flags.StringVar(&f.logFormat, "log-format", "text", "`format` of the log: text or json")
}

// validate finds what cannot work before anything starts, and fills what depends on other flags.
func (f *roleFlags) validate() error {
	host, port, err := net.SplitHostPort(f.listen)
	if err != nil {
		return errors.New("--listen: it must be HOST:PORT, such as 127.0.0.1:7070")
	}
	if !loopback(host) {
		return errors.New("--listen: the address must be on loopback (127.0.0.1, ::1 or localhost): whoever reaches it may do anything")
	}
	if f.advertise == "" {
		f.advertise = "http://" + net.JoinHostPort(host, port)
	}
	if f.sessionTimeout < 100*time.Millisecond {
		return errors.New("--session-timeout: at least 100ms")
	}
	if hclog.LevelFromString(f.logLevel) == hclog.NoLevel {
		return errors.New("--log-level: one of trace, debug, info, warn, error")
	}
	if f.logFormat != "text" && f.logFormat != "json" {
		return errors.New("--log-format: text or json")
	}
	if err := f.zooKeeper().Validate(); err != nil {
		return fmt.Errorf("--zookeeper or --root: %w", err)
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func (f *roleFlags) zooKeeper() zkcoord.DriverConfig {
	return zkcoord.DriverConfig{Servers: strings.Split(f.zookeeper, ","), Root: f.root, SessionTimeout: f.sessionTimeout}
}

func (f *roleFlags) logger(name string, out io.Writer) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Name: name, Level: hclog.LevelFromString(f.logLevel), Output: out, JSONFormat: f.logFormat == "json",
		TimeFormat: "2006-01-02T15:04:05.000Z07:00",
	})
}

// listenOn takes the role's address.
func (f *roleFlags) listenOn() (net.Listener, error) {
	l, err := net.Listen("tcp", f.listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; choose another address with --listen", f.listen, errors.Unwrap(err))
	}
	return l, nil
}

// newRegistry makes the metrics' registry of a process.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "medcommit_build_info", Help: "The program's version, as a label; the value is 1.",
		ConstLabels: prometheus.Labels{"version": buildVersion()},
	})
	build.Set(1)
	r.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}
