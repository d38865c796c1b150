package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/medcommit/medcommit/cmd/medcommit/bench"
	"github.com/medcommit/medcommit/cmd/medcommit/local"
	"github.com/medcommit/medcommit/participant/dbtest"
)

// rig is what is measured: two databases and a cluster over them.
type rig struct {
	dir       string
	databases []string // their URLs
	servers   []server
	cluster   *local.Cluster
}

// server is a private database server.
type server interface {
	PID() int
	Kill() error
	CreateDatabase(ctx context.Context) (string, error)
}

// embeddedKind is the kind of store that needs no server.
const embeddedKind = "embedded"

// startServer starts a server of a kind with enough slots and connections, and memory for the tables.
func startServer(ctx context.Context, kind, dir string) (server, error) {
	switch kind {
	case "postgres":
		return dbtest.StartPostgres(ctx, dir, map[string]string{
			"max_prepared_transactions": "300", "max_connections": "300", "shared_buffers": "256MB",
		})
	case "mariadb":
		return dbtest.StartMariaDB(ctx, dir, map[string]string{"max-connections": "600", "innodb-buffer-pool-size": "256M", "innodb-log-file-size": "256M"})
	}
	return nil, fmt.Errorf("the databases are postgres, mariadb and embedded, not %q", kind)
}

func (s *settings) start(ctx context.Context, kind string) (r *rig, err error) {
	r = &rig{}
	if r.dir, err = os.MkdirTemp("", "bench-"); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.stop())
		}
	}()
	if err := os.Chmod(r.dir, 0o755); err != nil { // the servers run as users of their own
		return r, err
	}
	var sites []local.Site
	for i := range 2 {
		name := fmt.Sprintf("site-%d", i+1)
		if kind == embeddedKind {
			sites = append(sites, local.Site{Name: name})
			continue
		}
		server, err := startServer(ctx, kind, filepath.Join(r.dir, "database-"+name))
		if err != nil {
			return r, err
		}
		r.servers = append(r.servers, server)
		url, err := server.CreateDatabase(ctx)
		if err != nil {
			return r, err
		}
		if err := bench.Fill(ctx, url); err != nil {
			return r, err
		}
		r.databases = append(r.databases, url)
		sites = append(sites, local.Site{Name: name, Catalogue: []byte(bench.Operations), Resource: url})
	}
	r.cluster, err = local.Start(ctx, local.Config{
		Dir: filepath.Join(r.dir, "cluster"), Exe: s.medcommit, Sites: sites, LogLevel: "warn",
		CoordinatorFlags: []string{"--retention", s.retention.String(), "--session-timeout", "20s"},
		SiteFlags:        append([]string{"--session-timeout", "20s"}, s.siteFlags...),
	})
	return r, err
}

func (r *rig) stop() error {
	if r.cluster != nil {
		r.cluster.Stop()
	}
	var failed error
	for _, s := range r.servers {
		failed = errors.Join(failed, s.Kill())
	}
	// What a server's last processes still write goes with the folder, a moment later.
	for range 50 {
		if os.RemoveAll(r.dir) == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return failed
}
