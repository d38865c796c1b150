package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var buildCrashProgram = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(program), "medcommit-failpoints")
	build := exec.Command("go", "build", "-tags", "failpoints", "-o", path, "github.com/medcommit/medcommit/cmd/medcommit")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return string(out), err
	}
	return path, nil
})

// crashProgram is medcommit built with failpoints.
func crashProgram(t *testing.T) string {
	path, err := buildCrashProgram()
	if err != nil {
		t.Fatalf("build medcommit with failpoints: %v\n%s", err, path)
	}
	return path
}

func holdsText(t *testing.T, file, text string) bool {
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(content, []byte(text))
}

// symbols gives the names of what was linked into a program.
func symbols(t *testing.T, file string) string {
	out, err := exec.Command("go", "tool", "nm", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
