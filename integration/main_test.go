package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/medcommit/medcommit/integration/build"
)

// program is the built medcommit that all tests run.
var program string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "medcommit-integration-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "medcommit")
	if err := build.Medcommit(program); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
