package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/medcommit/medcommit/integration/build"
)

var buildCrashProgram = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(program), "medcommit-failpoints")
	return path, build.Medcommit(path, "-tags", "failpoints")
})

// crashProgram is medcommit built with failpoints.
func crashProgram(t *testing.T) string {
	path, err := buildCrashProgram()
	if err != nil {
		t.Fatalf("with failpoints: %v", err)
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
