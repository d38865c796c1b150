package integration

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/medcommit/medcommit/"

// TestArrows keeps the directions in which packages may import one another: a star round txn, joined by cmd.
func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := 0
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		name := strings.TrimPrefix(words[0], module)
		packages++
		for _, imported := range words[1:] {
			if why := forbidden(name, imported); why != "" {
				t.Errorf("%s imports %s: %s", name, imported, why)
			}
		}
	}
	if packages < 10 {
		t.Errorf("only %d packages were looked at", packages)
	}
}

// forbidden says why the package name must not import another, or nothing.
func forbidden(name, imported string) string {
	of, to := top(name), ""
	if rest, ours := strings.CutPrefix(imported, module); ours {
		to = top(rest)
	}
	switch {
	case imported == "github.com/go-zookeeper/zk" && name != "zkcoord":
		return "zkcoord alone talks to ZooKeeper"
	case of == "txn" && to == "" && strings.Contains(strings.Split(imported, "/")[0], "."):
		return "the protocol needs nothing but the standard library"
	case name == "txn" && slices.Contains(impure, imported):
		return "the protocol does no I/O, keeps no clock and starts nothing"
	case name == "txn" && to != "", of == "txn" && to != "" && to != "txn":
		return "the protocol knows nobody"
	case slices.Contains(star, of) && slices.Contains(star, to) && of != to:
		return "what one needs of another it declares itself, in txn's types"
	case of != "cmd" && of != "integration" && (to == "cmd" || to == "integration"):
		return "cmd joins the packages, and nobody needs it"
	}
	return ""
}

var (
	star   = []string{"zkcoord", "participant", "api"}
	impure = []string{"context", "io", "log", "log/slog", "math/rand", "math/rand/v2", "net", "net/http", "os", "sync", "sync/atomic"}
)

// top is a path's first element.
func top(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}
