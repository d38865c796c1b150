package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// host is a machine's network: a namespace with an address on one cable to the bridge. Processes and sockets are put into it.
type host struct {
	name    string
	address string
	port    string // the bridge's end of the cable
	space   *os.File
}

// newHost makes the n-th host, from 10 on.
func newHost(name string, n int) (*host, error) {
	h := &host{name: name, address: networkPrefix + strconv.Itoa(n), port: "port-" + strconv.Itoa(n)}
	made := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine and is used by nobody else
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			made <- fmt.Errorf("make the network namespace of %s: %w", name, err)
			return
		}
		var err error
		h.space, err = os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
		made <- err
	}()
	if err := <-made; err != nil {
		return nil, err
	}
	if err := ip(fmt.Sprintf("link add %s type veth peer name eth0 netns %s", h.port, h.path())); err != nil {
		return nil, err
	}
	for _, args := range []string{"link set lo up", "addr add " + h.address + "/24 dev eth0", "link set eth0 up"} {
		if err := h.inside(func() error { return ip(args) }); err != nil {
			return nil, err
		}
	}
	if err := ip("link set " + h.port + " up"); err != nil {
		return nil, err
	}
	return h, h.plugIn()
}

func (h *host) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), h.space.Fd()) }

// plugIn joins the host's cable to the bridge. pull takes it away: what is sent is lost without a word, both ways.
func (h *host) plugIn() error { return ip("link set " + h.port + " master " + bridge) }

func (h *host) pull() error { return ip("link set " + h.port + " nomaster") }

// deafen loses what this host sends to another one, and only that; hear ends it.
func (h *host) deafen(to *host) error {
	return h.inside(func() error {
		return ip("neigh replace " + to.address + " lladdr 02:00:00:00:00:01 nud permanent dev eth0")
	})
}

func (h *host) hear(to *host) error {
	return h.inside(func() error { return ip("neigh del " + to.address + " dev eth0") })
}

// inside calls f on a thread that is in the host: what f starts, and the sockets that it makes, are there.
func (h *host) inside(f func() error) error {
	runtime.LockOSThread()
	home, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter %s: %w", h.name, err)
	}
	defer home.Close()
	if err := unix.Setns(int(h.space.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter %s: %w", h.name, err)
	}
	err = f()
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		panic(fmt.Sprintf("faults: a thread is lost in %s: %v", h.name, back)) // it must never serve another goroutine
	}
	runtime.UnlockOSThread()
	return err
}

// start starts a command in the host. Its caller keeps the thread, which the command ends with.
func (h *host) start(cmd *exec.Cmd) error { return h.inside(cmd.Start) }

// listen listens at the host's own address.
func (h *host) listen(port int) (l net.Listener, err error) {
	err = h.inside(func() error {
		l, err = net.Listen("tcp", net.JoinHostPort(h.address, strconv.Itoa(port)))
		return err
	})
	return l, err
}

// dial connects from the host to an address, which is no name.
func (h *host) dial(address string) (c net.Conn, err error) {
	err = h.inside(func() error {
		c, err = net.Dial("tcp", address)
		return err
	})
	return c, err
}
