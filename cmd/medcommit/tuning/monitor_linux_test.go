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
	process := exec.Command(woken)
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
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", process.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	slow, mayLook := 0, mayNice(t)
	for _, thread := range threads {
		slack, err := os.ReadFile(filepath.Join("/proc", thread.Name(), "timerslack_ns"))
		if !mayLook && errors.Is(err, os.ErrPermission) {
			return // it runs all the same
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(string(slack)) != strconv.Itoa(monitorSlack) {
			continue
		}
		slow++
		if !sleeps(t, thread.Name()) {
			t.Error("a thread that is not the monitor oversleeps")
		}
	}
	if slow != 1 {
		t.Errorf("%d of %d threads oversleep", slow, len(threads))
	}
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
