package dbtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// What starting a server runs into.
var (
	// ErrNotInstalled says that a server's binaries are not on this machine.
	ErrNotInstalled = errors.New("the database server is not installed")
	// ErrStopped says that the server has ended by itself.
	ErrStopped = errors.New("the database server has ended")
)

// poll is how often a condition of a server is looked at.
const poll = 10 * time.Millisecond

// process is one running server: a parent with children that may be in process groups of their own.
type process struct {
	cmd  *exec.Cmd
	log  string        // where its output goes
	done chan struct{} // closed when it was reaped
}

// start runs a server as the unprivileged user, its output appended to the file log.
func start(log string, as *syscall.Credential, name string, args ...string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open server log: %w", err)
	}
	defer out.Close()
	cmd := exec.Command(name, args...)
	cmd.Dir = filepath.Dir(log)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = attributes(as)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(name), err)
	}
	p := &process{cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is of no interest: it is stopped, or its log is shown
		close(p.done)
	}()
	return p, nil
}

// attributes make a process that ends with this one, in a process group of its own.
func attributes(as *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as, Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// run runs a tool of a server to its end; its output is part of the error.
func run(ctx context.Context, as *syscall.Credential, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = attributes(as)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run %s: %w: %s", filepath.Base(name), err, bytes.TrimSpace(out))
	}
	return nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// kill ends the server and its children at once, as a power cut would, and returns when all of them are gone.
func (p *process) kill() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	// Stopped first, so that the parent neither forks nor mends while its children are killed.
	if err := syscall.Kill(p.pid(), syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stop server: %w", err)
	}
	children := childrenOf(p.pid())
	for _, pid := range append(children, p.pid()) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("kill server: %w", err)
		}
	}
	<-p.done
	for _, pid := range children {
		for running(pid) {
			<-time.After(poll)
		}
	}
	return nil
}

// stop asks the server with a signal to end, and kills it when ctx ends before it does.
func (p *process) stop(ctx context.Context, s syscall.Signal) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := syscall.Kill(p.pid(), s); err != nil {
		return fmt.Errorf("stop server: %w", err)
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return p.kill()
	}
}

// await waits until ready gives nil, the server ends, or ctx does.
func (p *process) await(ctx context.Context, ready func(context.Context) error) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	var err error
	for {
		if err = ready(ctx); err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.done:
			return fmt.Errorf("%w: %s", ErrStopped, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("wait for server: %w: %w: %s", ctx.Err(), err, p.tail())
		}
	}
}

// tail is the end of the server's log.
func (p *process) tail() []byte {
	log, err := os.ReadFile(p.log)
	if err != nil {
		return nil
	}
	return bytes.TrimSpace(log[max(0, len(log)-2000):])
}

// childrenOf lists the direct children of a process.
func childrenOf(parent int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
	var children []int
	for _, stat := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if fields := procStat(pid); len(fields) > 1 && string(fields[1]) == strconv.Itoa(parent) {
			children = append(children, pid)
		}
	}
	return children
}

// running tells whether a process is there and no zombie.
func running(pid int) bool {
	fields := procStat(pid)
	return len(fields) > 0 && string(fields[0]) != "Z"
}

// procStat gives the fields of a process's stat from its state on: state, parent, ...
func procStat(pid int) [][]byte {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
}

// unprivileged gives the first of these users where the process runs as root, which database servers refuse to; else nil.
func unprivileged(names ...string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range append(names, "nobody") {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if errUID == nil && errGID == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("find an unprivileged user: none of %v", names)
}

// give makes dir and all below it the user's; nil leaves it alone. The folders above must let others pass.
func give(dir string, to *syscall.Credential) error {
	if to == nil {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(to.Uid), int(to.Gid))
	})
}

// letPass makes the folders from dir up to the temporary folder passable for the unprivileged user: testing.T makes them 0700.
func letPass(dir string) error {
	top := filepath.Clean(os.TempDir())
	for ; dir != top && len(dir) > len(top); dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("look at folder: %w", err)
		}
		if info.Mode().Perm()&0o011 == 0o011 {
			continue
		}
		if err := os.Chmod(dir, info.Mode().Perm()|0o011); err != nil {
			return fmt.Errorf("open folder: %w", err)
		}
	}
	return nil
}

// freePort finds a port of 127.0.0.1 that nothing listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// cacheDir is where a freshly initialised data folder is kept, so that each test process need not make its own.
func cacheDir() string {
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "medcommit-dbtest")
	}
	return filepath.Join(os.TempDir(), "medcommit-dbtest-"+strconv.Itoa(os.Getuid()))
}

// template gives the folder name in the cache, made by make in a folder of its own where it is missing. make works as the
// unprivileged user in its argument; several processes may make it at once, and one of them wins.
func template(name string, as *syscall.Credential, make func(dir string) error) (string, error) {
	final := filepath.Join(cacheDir(), name)
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	work, err := os.MkdirTemp("", "medcommit-dbtest-")
	if err != nil {
		return "", fmt.Errorf("make template folder: %w", err)
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil {
		return "", fmt.Errorf("open template folder: %w", err)
	}
	data := filepath.Join(work, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return "", fmt.Errorf("make template folder: %w", err)
	}
	if err := give(data, as); err != nil {
		return "", fmt.Errorf("give template folder: %w", err)
	}
	if err := make(data); err != nil {
		return "", err
	}
	return final, keep(data, final)
}

// keep copies a folder into the cache, whole or not at all.
func keep(data, final string) error {
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return fmt.Errorf("make cache: %w", err)
	}
	part, err := os.MkdirTemp(filepath.Dir(final), ".part-")
	if err != nil {
		return fmt.Errorf("make cache: %w", err)
	}
	defer os.RemoveAll(part)
	if err := os.CopyFS(filepath.Join(part, "data"), os.DirFS(data)); err != nil {
		return fmt.Errorf("fill cache: %w", err)
	}
	if err := os.Rename(filepath.Join(part, "data"), final); err != nil {
		if _, there := os.Stat(final); there == nil {
			return nil
		}
		return fmt.Errorf("fill cache: %w", err)
	}
	return nil
}
