package zkserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Server is a running child process.
type Server struct {
	cfg  Config
	proc *os.Process
	done chan struct{}
	err  error // why it ended; read after done
}

// Start starts a server and waits until it serves. An ensemble's servers must be started at once, each by its own call: none
// serves before most of them run.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	s, err := Launch(cfg)
	if err != nil {
		return nil, err
	}
	if err := s.AwaitServing(ctx); err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
}

// Command writes a server's configuration and gives the command that runs it, for who starts it in a place of its own, such as
// another network namespace. The command ends with its caller only where the caller arranges for that.
func Command(cfg Config) (*exec.Cmd, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	java, err := findJava()
	if err != nil {
		return nil, err
	}
	jars, err := classPath(cfg.Home)
	if err != nil {
		return nil, err
	}
	if err := cfg.write(); err != nil {
		return nil, err
	}
	return exec.Command(java, cfg.arguments(jars)...), nil
}

// Launch starts a server and does not wait for it.
func Launch(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	cmd, err := Command(cfg)
	if err != nil {
		return nil, err
	}
	if err := cfg.probePort(); err != nil {
		return nil, err
	}
	out, err := os.OpenFile(cfg.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open ZooKeeper's log: %w", err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	// A process group of its own: the terminal's Ctrl-C is for the parent, which stops the child in its turn.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if !cfg.Detached {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}

	s := &Server{cfg: cfg, done: make(chan struct{})}
	started := make(chan error, 1)
	go s.own(cmd, out, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start ZooKeeper: %w", err)
	}
	return s, nil
}

// own starts the child and waits for its end on one thread: the kernel takes the end of the thread that started a child for the
// end of its parent.
func (s *Server) own(cmd *exec.Cmd, out *os.File, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer out.Close()
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	s.proc = cmd.Process
	started <- nil
	if s.err = cmd.Wait(); s.err == nil {
		s.err = errors.New("exit status 0")
	}
	close(s.done)
}

// Addr is where clients connect: "127.0.0.1:PORT" unless Host is another.
func (s *Server) Addr() string { return net.JoinHostPort(s.cfg.Host, strconv.Itoa(s.cfg.Port)) }

// PID is the child's process id.
func (s *Server) PID() int { return s.proc.Pid }

// Done is closed when the child has ended.
func (s *Server) Done() <-chan struct{} { return s.done }

// AwaitServing waits until the server answers clients. Where the child ends before, the error has its last words.
func (s *Server) AwaitServing(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.StartTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.serves(ctx) {
			return nil
		}
		select {
		case <-s.done:
			return fmt.Errorf("wait for ZooKeeper: %w (%w): %s", ErrEnded, s.err, s.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("wait for ZooKeeper at %s: %w; see %s", s.Addr(), ctx.Err(), s.cfg.logPath())
		case <-tick.C:
		}
	}
}

func (s *Server) serves(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	mode, err := Mode(ctx, s.Addr())
	return err == nil && mode != ""
}

// lastWords are the last lines of the server's log, on one line.
func (s *Server) lastWords() string {
	text, err := os.ReadFile(s.cfg.logPath())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}

// Stop ends the server in order, and by force where it has not ended when ctx does. It returns when the child is gone.
func (s *Server) Stop(ctx context.Context) error {
	s.signal(syscall.SIGTERM)
	s.signal(syscall.SIGCONT) // a stopped process does not hear
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		s.Kill()
		return fmt.Errorf("stop ZooKeeper in order: %w", ctx.Err())
	}
}

// Kill ends the server with SIGKILL and returns when the child is gone.
func (s *Server) Kill() {
	s.signal(syscall.SIGKILL)
	<-s.done
}

// Pause stops the child with SIGSTOP, Resume lets it go on.
func (s *Server) Pause()  { s.signal(syscall.SIGSTOP) }
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	// The only error that a child of one's own can give is that it has ended, which Done tells.
	if err := s.proc.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		panic(fmt.Sprintf("zkserver: signal %v to a child: %v", sig, err))
	}
}
