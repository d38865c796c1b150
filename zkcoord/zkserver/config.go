package zkserver

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// loopback is where a server is reached that is told nothing else.
const loopback = "127.0.0.1"

// Config is what a server is started with.
type Config struct {
	// Dir keeps the server's data, zoo.cfg and zookeeper.log; it is made where it is missing.
	Dir string
	// Port is the client port at Host. FreePorts gives some of 127.0.0.1.
	Port int
	// Host is the address that clients reach the server at. Default 127.0.0.1.
	Host string
	// Home is where a release is unpacked; empty means the distribution's package.
	Home string
	// Tick is ZooKeeper's tickTime: sessions expire at multiples of it. Default 500 ms.
	Tick time.Duration
	// HeapMB is the largest size of Java's heap. Default 512.
	HeapMB int
	// JavaOptions are further options of the Java virtual machine.
	JavaOptions []string
	// ID and Peers make the server one of an ensemble: ID, from 1, is its own place in Peers, which is the same for all.
	ID    int
	Peers []Peer
	// Detached lets the server go on when this process ends; else it ends with it.
	Detached bool
	// StartTimeout is how long the server may take until it serves. Default 60 s.
	StartTimeout time.Duration
}

// Peer is one server of an ensemble, as the others reach it at Host (default 127.0.0.1).
type Peer struct {
	Host                     string
	QuorumPort, ElectionPort int
}

// Validate finds what cannot work.
func (c Config) Validate() error {
	switch {
	case c.Dir == "":
		return errors.New("configure the ZooKeeper server: Dir is empty")
	case c.Port < 1 || c.Port > 65535:
		return errors.New("configure the ZooKeeper server: Port is not a port")
	case len(c.Peers) > 0 && (c.ID < 1 || c.ID > len(c.Peers)):
		return errors.New("configure the ZooKeeper server: ID is not in Peers")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Host == "" {
		c.Host = loopback
	}
	if c.Tick == 0 {
		c.Tick = 500 * time.Millisecond
	}
	if c.HeapMB == 0 {
		c.HeapMB = 512
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = time.Minute
	}
	return c
}

func (c Config) configPath() string { return filepath.Join(c.Dir, "zoo.cfg") }
func (c Config) logPath() string    { return filepath.Join(c.Dir, "zookeeper.log") }

// write makes the folder, zoo.cfg and, in an ensemble, myid.
func (c Config) write() error {
	data := filepath.Join(c.Dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("make ZooKeeper's folder: %w", err)
	}
	if err := os.WriteFile(c.configPath(), []byte(c.zooCfg(data)), 0o600); err != nil {
		return fmt.Errorf("write zoo.cfg: %w", err)
	}
	if len(c.Peers) == 0 {
		return nil
	}
	if err := os.WriteFile(filepath.Join(data, "myid"), []byte(strconv.Itoa(c.ID)), 0o600); err != nil {
		return fmt.Errorf("write myid: %w", err)
	}
	return nil
}

func (c Config) zooCfg(data string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "tickTime=%d\n", c.Tick.Milliseconds())
	// A client gets the session time-out that it asks for: the default ends at 20 ticks.
	fmt.Fprintf(&b, "minSessionTimeout=%d\nmaxSessionTimeout=60000\n", c.Tick.Milliseconds())
	fmt.Fprintf(&b, "dataDir=%s\n", data)
	fmt.Fprintf(&b, "clientPort=%d\nclientPortAddress=%s\n", c.Port, c.Host)
	b.WriteString("admin.enableServer=false\n4lw.commands.whitelist=*\nmaxClientCnxns=0\n")
	b.WriteString("autopurge.purgeInterval=1\nautopurge.snapRetainCount=3\n")
	// Without pools of workers a request passes fewer threads, each of which has to be woken: that is most of what it costs.
	b.WriteString("nio.numWorkerThreads=0\ncommitProcessor.numWorkerThreads=0\n")
	if len(c.Peers) == 0 {
		return b.String()
	}
	// In time, whatever the tick: 10 s to catch up at the start, 5 s to fall behind.
	fmt.Fprintf(&b, "initLimit=%d\nsyncLimit=%d\n", ticks(10*time.Second, c.Tick), ticks(5*time.Second, c.Tick))
	for i, p := range c.Peers {
		fmt.Fprintf(&b, "server.%d=%s:%d:%d\n", i+1, cmp.Or(p.Host, loopback), p.QuorumPort, p.ElectionPort)
	}
	return b.String()
}

func ticks(d, tick time.Duration) int64 { return max(2, int64(d/tick)) }

func (c Config) arguments(classPath string) []string {
	args := []string{
		fmt.Sprintf("-Xmx%dm", c.HeapMB), "-XX:+UseSerialGC",
		"-Dzookeeper.preAllocSize=4096", // KB; the default, 64 MB, is too much for a laptop's temporary folder
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
	}
	args = append(args, c.JavaOptions...)
	return append(args, "-cp", classPath, "org.apache.zookeeper.server.quorum.QuorumPeerMain", c.configPath())
}
