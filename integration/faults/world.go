package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
)

// insideWorld is set in the environment of the process that has namespaces of its own.
const insideWorld = "MEDCOMMIT_FAULTS_INSIDE"

// bridge joins the hosts; this process has the first address of its network.
const (
	bridge        = "hosts"
	networkPrefix = "10.99.0."
	ownAddress    = networkPrefix + "1"
)

// enterWorld runs this program again in a network and a mount namespace of its own, and gives its exit code. Every process that
// the run starts ends with it.
func enterWorld() int {
	runtime.LockOSThread() // the child ends with the thread that starts it
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideWorld+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return max(1, exit.ExitCode())
	case errors.Is(err, syscall.EPERM):
		fmt.Fprintln(os.Stderr, "faults: hosts are network namespaces, which want root (in a container: NET_ADMIN and SYS_ADMIN): sudo make faults")
	default:
		fmt.Fprintln(os.Stderr, "faults:", err)
	}
	return 1
}

// makeBridge makes the network that hosts are plugged into.
func makeBridge() error {
	for _, args := range []string{
		"link set lo up",
		"link add " + bridge + " type bridge",
		"addr add " + ownAddress + "/24 dev " + bridge,
		"link set " + bridge + " up",
	} {
		if err := ip(args); err != nil {
			return err
		}
	}
	return nil
}

// ip runs iproute2's command of that name.
func ip(args string) error {
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", args, err, strings.TrimSpace(string(out)))
	}
	return nil
}
