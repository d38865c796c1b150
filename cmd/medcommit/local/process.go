package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// process is one child: a coordinator or a site. It can be killed and started again with the same arguments.
type process struct {
	name string // also of its log
	url  string
	exe  string
	args []string
	env  []string // beside this process's own
	log  string   // its file

	detached bool // it outlives this process

	proc *os.Process
	done chan struct{}
}

// start starts the child, with env beside its own. Unless detached it ends with this process, whatever ends this process.
func (p *process) start(env []string) error {
	if err := os.MkdirAll(filepath.Dir(p.log), 0o700); err != nil {
		return fmt.Errorf("make the folder of logs: %w", err)
	}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", p.name, err)
	}
	cmd := exec.Command(p.exe, p.args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = slices.Concat(os.Environ(), p.env, env)
	// A process group of its own: the terminal's Ctrl-C is for the parent, which stops its children in their turn.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if !p.detached {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
	p.done = make(chan struct{})
	started := make(chan error, 1)
	go func() {
		// The kernel takes the end of the thread that started a child for the end of its parent.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer out.Close()
		defer close(p.done)
		err := cmd.Start()
		p.proc = cmd.Process
		started <- err
		if err == nil {
			_ = cmd.Wait() // why it ended is in its log
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	return nil
}

func (p *process) running() bool {
	if p.proc == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// awaitReady waits until the child answers /readyz with 200.
func (p *process) awaitReady(ctx context.Context) error {
	return p.await(ctx, "/readyz", func(*http.Response) bool { return true })
}

// awaitSites waits until the child, a coordinator, sees n participants that are ready: what is handed in then is not refused.
func (p *process) awaitSites(ctx context.Context, n int) error {
	return p.await(ctx, "/v1/participants", func(res *http.Response) bool {
		missing := n
		var list struct {
			Participants []struct{ Ready bool }
		}
		if json.NewDecoder(res.Body).Decode(&list) != nil {
			return false
		}
		for _, site := range list.Participants {
			if site.Ready {
				missing--
			}
		}
		return missing <= 0
	})
}

// await asks the child at path until it answers 200 and enough is satisfied.
func (p *process) await(ctx context.Context, path string, enough func(*http.Response) bool) error {
	client := &http.Client{Timeout: 2 * time.Second}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if answers(ctx, client, p.url+path, enough) {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s has ended: %s (its log is %s)", p.name, lastLine(p.log), p.log)
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w (its log is %s)", p.name, ctx.Err(), p.log)
		case <-tick.C:
		}
	}
}

func answers(ctx context.Context, client *http.Client, url string, enough func(*http.Response) bool) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK && enough(res)
}

// kill ends the child with SIGKILL and returns when it is gone.
func (p *process) kill() { p.end(syscall.SIGKILL) }

// stop ends the child in order, and by force where it has not ended when ctx does.
func (p *process) stop(ctx context.Context) {
	if !p.running() {
		return
	}
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-ctx.Done():
		p.kill()
	}
}

func (p *process) end(sig syscall.Signal) {
	if p.running() {
		p.signal(sig)
		<-p.done
	}
}

func (p *process) signal(sig syscall.Signal) {
	if err := p.proc.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		panic(fmt.Sprintf("local: signal %v to a child: %v", sig, err))
	}
}

// lastLine is the last line of a log, for the one line that says why a child ended.
func lastLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}
