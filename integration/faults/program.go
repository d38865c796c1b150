package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// program is one process on a host, which can be killed and started again with the same arguments.
type program struct {
	name string
	host *host
	make func() (*exec.Cmd, error)
	log  string // its file

	mu     sync.Mutex
	proc   *os.Process
	done   chan struct{}
	killed bool // by us: its end is no surprise
}

// start starts the process, which must not be running. It ends with this one, whatever ends this one.
func (p *program) start() error {
	cmd, err := p.make()
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", p.name, err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started, done := make(chan error, 1), make(chan struct{})
	go func() {
		// The kernel takes the end of the thread that started a child for the end of its parent.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer out.Close()
		defer close(done)
		err := p.host.start(cmd)
		started <- err
		if err == nil {
			_ = cmd.Wait() // why it ended is in its log
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proc, p.done, p.killed = cmd.Process, done, false
	return nil
}

// kill ends the process with SIGKILL and returns when it is gone.
func (p *program) kill() {
	p.mu.Lock()
	p.killed = true
	p.mu.Unlock()
	p.signal(syscall.SIGKILL)
	<-p.done
}

func (p *program) pause()  { p.signal(syscall.SIGSTOP) }
func (p *program) resume() { p.signal(syscall.SIGCONT) }

func (p *program) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// surprise tells whether the process ended by itself.
func (p *program) surprise() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.killed && !p.running()
}

func (p *program) signal(sig syscall.Signal) {
	if err := p.proc.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		panic(fmt.Sprintf("faults: signal %v to a child: %v", sig, err))
	}
}

// lastLine is the last line of the log.
func (p *program) lastLine() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(lines[len(lines)-1])
}
