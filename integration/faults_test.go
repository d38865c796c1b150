package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/medcommit/medcommit/integration/build"
)

// TestFaultRun lets the nemesis of integration/faults strike for a minute, always with the same seed; make faults draws others.
func TestFaultRun(t *testing.T) {
	faults := filepath.Join(t.TempDir(), "faults")
	if err := build.Program("integration/faults", faults); err != nil {
		t.Fatal(err)
	}
	args := []string{faults, "-program", program, "-duration", "60s", "-seed", "2"}
	if os.Geteuid() != 0 {
		args = append([]string{"sudo", "-n"}, args...) // hosts are network namespaces
	}
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("the fault run: %v", err)
	}
	if !bytes.Contains(out, []byte("no violation")) {
		t.Error("the fault run does not say what it found")
	}
}
