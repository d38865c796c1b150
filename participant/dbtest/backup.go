package dbtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Backup copies the data folder of a server that was stopped or killed to a new folder. A copy of a killed one is what a snapshot of
// its disk would be: it recovers from its log when it is started.
func (p *Postgres) Backup(to string) error {
	if err := os.CopyFS(to, os.DirFS(p.data())); err != nil {
		return fmt.Errorf("back up data folder: %w", err)
	}
	return nil
}

// PutBack replaces the data folder of a stopped or killed server by a backup, which may be used again.
func (p *Postgres) PutBack(from string) error {
	if err := os.RemoveAll(p.data()); err != nil {
		return fmt.Errorf("remove data folder: %w", err)
	}
	if err := os.CopyFS(p.data(), os.DirFS(from)); err != nil {
		return fmt.Errorf("put backup back: %w", err)
	}
	if err := os.Chmod(p.data(), 0o700); err != nil {
		return fmt.Errorf("close data folder: %w", err)
	}
	// It names a process of then, which may be another one now.
	if err := os.Remove(filepath.Join(p.data(), "postmaster.pid")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove lock file: %w", err)
	}
	return give(p.data(), p.as)
}
