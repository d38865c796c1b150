package local

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestOneClusterAFolder(t *testing.T) {
	dir := t.TempDir()
	first, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	description := filepath.Join(dir, "cluster.json")
	if err := os.WriteFile(description, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Config{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("a second cluster: %v", err)
	}
	if _, err := os.Stat(description); err != nil {
		t.Errorf("what the first one wrote: %v", err)
	}
	first.Close()
	again, err := lock(dir)
	if err != nil {
		t.Fatalf("after the first one has ended: %v", err)
	}
	again.Close()
}
