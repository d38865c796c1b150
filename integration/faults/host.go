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
	// A thread must not end here: what dbtest has started from it would end too.
	err := comeHome(name, func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make the network namespace of %s: %w", name, err)
		}
		h.space, err = openSpace()
		return err
	})
	if err != nil {
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
	return comeHome(h.name, func() error {
		if err := unix.Setns(int(h.space.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter %s: %w", h.name, err)
		}
		return f()
	})
}

// comeHome calls f, which takes its thread to another network, and brings the thread back.
func comeHome(name string, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home, err := openSpace()
	if err != nil {
		return fmt.Errorf("enter %s: %w", name, err)
	}
	defer home.Close()
	err = f()
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		panic(fmt.Sprintf("faults: a thread is lost in %s: %v", name, back)) // it must never serve another goroutine
	}
	return err
}

// openSpace opens the network that this thread is in.
func openSpace() (*os.File, error) {
	return os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
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
