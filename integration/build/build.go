// Package build makes the programs that the black-box tests run.
package build

import (
	"fmt"
	"os"
	"os/exec"
)

const module = "github.com/medcommit/medcommit/"

// Medcommit builds medcommit as the file exe, without cgo as it is shipped; flags are the go command's. The error holds what the
// compiler said.
func Medcommit(exe string, flags ...string) error { return Program("cmd/medcommit", exe, flags...) }

// Program builds the program in the module's folder dir as the file exe.
func Program(dir, exe string, flags ...string) error {
	args := append([]string{"build", "-o", exe}, flags...)
	cmd := exec.Command("go", append(args, module+dir)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", dir, err, out)
	}
	return nil
}
