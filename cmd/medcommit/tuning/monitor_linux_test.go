package tuning

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTheMonitorOversleeps looks at a process that is built as the product is: only its monitor gets the slack, which is known by its
// sleeping. Without the capability nobody may even look, and the process runs as it would.
func TestTheMonitorOversleeps(t *testing.T) {
	woken := filepath.Join(t.TempDir(), "woken")
	build := exec.Command("go", "build", "-o", woken, "./testdata/woken")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Run("from the start", func(t *testing.T) { monitorOversleeps(t, monitorSlack, woken) })
	t.Run("with little to do", func(t *testing.T) { monitorOversleeps(t, idleSlack, woken, "threads") })
}

// monitorOversleeps waits until one thread of a process has a slack, and sees that it is the monitor.
func monitorOversleeps(t *testing.T, slack time.Duration, command ...string) {
	process := exec.Command(command[0], command[1:]...)
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	}()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(line, err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(threadsEvery) {
		slow, all, mayLook := oversleeping(t, process.Process.Pid, slack)
		if !mayLook {
			return // it runs all the same
		}
		if len(slow) == 1 {
			if !sleeps(t, slow[0]) {
				t.Error("a thread that is not the monitor oversleeps")
			}
			return
		}
		if len(slow) > 1 || time.Now().After(deadline) {
			t.Fatalf("%d of %d threads oversleep by %s", len(slow), all, slack)
		}
	}
}

// oversleeping gives the threads of a process that have a slack.
func oversleeping(t *testing.T, pid int, slack time.Duration) (slow []string, all int, mayLook bool) {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	nice := mayNice(t)
	for _, thread := range threads {
		has, err := os.ReadFile(filepath.Join("/proc", thread.Name(), "timerslack_ns"))
		if !nice && errors.Is(err, os.ErrPermission) {
			return nil, len(threads), false
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(string(has)) == strconv.FormatInt(slack.Nanoseconds(), 10) {
			slow = append(slow, thread.Name())
		}
	}
	return slow, len(threads), true
}

// mayNice tells whether this process, and what it starts, has CAP_SYS_NICE.
func mayNice(t *testing.T) bool {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "CapEff:\t")
	digits, _, _ := strings.Cut(after, "\n")
	effective, err := strconv.ParseUint(digits, 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	const capSysNice = 23
	return effective&(1<<capSysNice) != 0
}

// sleeps tells whether a thread is mostly found in nanosleep, where others of the runtime are for a moment now and then.
func sleeps(t *testing.T, thread string) bool {
	const looks = 500
	asleep := 0
	for range looks {
		call, err := os.ReadFile(filepath.Join("/proc", thread, "syscall"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(call), strconv.Itoa(syscall.SYS_NANOSLEEP)+" ") {
			asleep++
		}
		time.Sleep(time.Millisecond)
	}
	return asleep > looks/10
}
