package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/medcommit/medcommit/participant/dbtest"
)

// kind says what a site's database is.
type kind uint8

const (
	postgresSite kind = iota
	mariadbSite
	embeddedSite
)

// kinds are the sites, by name.
var kinds = []struct {
	name string
	kind kind
}{{"pharmacy", postgresSite}, {"orders", mariadbSite}, {"emr", embeddedSite}}

// diskSize is how large the disk of the embedded store is.
const diskSize = 96 << 20

// site is a participant and its database. The databases' servers run beside this process, so that the auditor reaches them whatever
// befalls the hosts; the participant reaches its own through a proxy.
type site struct {
	*role
	kind   kind
	server database      // nil at the embedded store
	proxy  *dbtest.Proxy // before the server
	views  view          // for workloads and the auditor
	disk   string        // of the embedded store: a small file system of its own
}

// newSite starts a site's database, lets the workloads lay out their tables there, and makes the participant.
func (c *cluster) newSite(ctx context.Context, k struct {
	name string
	kind kind
}, n int, exe string, loads []layout,
) (*site, error) {
	s := &site{kind: k.kind}
	dir := filepath.Join(c.dir, k.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder: %w", err)
	}
	catalogue := filepath.Join(c.dir, k.name+".yaml")
	if err := os.WriteFile(catalogue, []byte(catalogueOf(k.kind, loads)), 0o600); err != nil {
		return nil, fmt.Errorf("write the catalogue: %w", err)
	}
	args := []string{
		"--name", k.name, "--operations", catalogue, "--withdraw-after", withdrawAfter.String(), "--lock-timeout", "1s",
	}
	more, err := s.open(ctx, dir)
	if err != nil {
		s.close()
		return nil, err
	}
	if s.role, err = c.newRole(k.name, n, exe, "participant", append(args, more...)...); err != nil {
		s.close()
		return nil, err
	}
	if s.kind == embeddedSite {
		s.views = &records{url: s.url(), dir: filepath.Join(dir, "embedded"), copy: filepath.Join(c.dir, "copy")}
		return s, nil
	}
	for _, w := range loads {
		if err := s.views.(*tables).lay(ctx, w.tables(s.kind)); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// open starts the database, and gives the participant's further arguments.
func (s *site) open(ctx context.Context, dir string) (args []string, err error) {
	var resource string
	switch s.kind {
	case postgresSite:
		var pg *dbtest.Postgres
		if pg, err = dbtest.StartPostgres(ctx, dir, map[string]string{"max_prepared_transactions": "200"}); err != nil {
			return nil, err
		}
		s.server = pg
		if resource, err = pg.CreateDatabase(ctx); err != nil {
			return nil, err
		}
		if s.views, err = openTables("pgx", resource); err != nil {
			return nil, err
		}
	case mariadbSite:
		var my *dbtest.MariaDB
		if my, err = dbtest.StartMariaDB(ctx, dir, nil); err != nil {
			return nil, err
		}
		s.server = my
		if resource, err = my.CreateDatabase(ctx); err != nil {
			return nil, err
		}
		db, err := my.Connect(path.Base(resource))
		if err != nil {
			return nil, err
		}
		s.views = &tables{db: db, listPrepared: "XA RECOVER"}
	case embeddedSite:
		s.disk = dir
		if err := syscall.Mount("faults", dir, "tmpfs", 0, fmt.Sprintf("size=%d", diskSize)); err != nil {
			return nil, fmt.Errorf("mount a small disk: %w", err)
		}
		return []string{"--data", dir}, nil
	}
	l, err := net.Listen("tcp", ownAddress+":0")
	if err != nil {
		return nil, fmt.Errorf("listen before the database: %w", err)
	}
	s.proxy = dbtest.StartProxy(l, s.server.Address())
	through, err := url.Parse(resource)
	if err != nil {
		return nil, fmt.Errorf("read the database's address: %w", err)
	}
	through.Host = s.proxy.Address()
	return []string{"--resource", through.String()}, nil
}

// catalogueOf joins the operations of all workloads.
func catalogueOf(k kind, loads []layout) string {
	var b strings.Builder
	b.WriteString("operations:\n")
	for _, w := range loads {
		b.WriteString(strings.TrimRight(w.operations(k), "\n") + "\n")
	}
	return b.String()
}

func (s *site) close() {
	if s.proxy != nil {
		s.proxy.Close()
	}
	if t, ok := s.views.(*tables); ok {
		t.db.Close()
	}
	if s.server != nil {
		_ = s.server.Kill() // it ends with this process at the latest
	}
	if s.disk != "" {
		_ = syscall.Unmount(s.disk, 0) // the same
	}
}

// keepEmbedded copies the embedded store from its disk, which goes with this process, to the folder of data.
func (c *cluster) keepEmbedded() {
	for _, s := range c.sites {
		if s.disk == "" {
			continue
		}
		if err := os.CopyFS(filepath.Join(c.dir, s.name+"-copy"), os.DirFS(s.disk)); err != nil {
			fmt.Fprintln(os.Stderr, "faults: keep the embedded store:", err)
		}
	}
}
