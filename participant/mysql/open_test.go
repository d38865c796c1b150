package mysql

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/dbtest"
)

func TestOpen(t *testing.T) {
	server := dbtest.NewMariaDB(t, nil)
	for name, test := range map[string]func(*testing.T, *lab){
		"a user with few rights":    fewRights,
		"a wrong password":          wrongPassword,
		"a table of another engine": otherEngine,
		"over a Unix socket":        unixSocket,
		"no server":                 noServer,
	} {
		t.Run(name, func(t *testing.T) { test(t, newLab(t, server)) })
	}
}

// as changes a lab's URL to another user.
func (l *lab) as(t *testing.T, user *url.Userinfo) string {
	t.Helper()
	u, err := url.Parse(l.url)
	if err != nil {
		t.Fatal(err)
	}
	u.User = user
	return u.String()
}

// fewRights: with our tables made by somebody else, the rights to use them and the site's own suffice.
func fewRights(t *testing.T, l *lab) {
	l.exec(t, "CREATE USER clerk@'%' IDENTIFIED BY 'secret'; GRANT SELECT, INSERT, UPDATE, DELETE ON numbers TO clerk@'%'")
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	clerk := func(c *Config) { c.URL, c.PasswordFile = l.as(t, url.User("clerk")), file }
	m := l.manager(t, clerk)
	defer m.Close()
	err := m.Open(t.Context(), "lab", "site-a", 1)
	if !errors.Is(err, ErrUnfit) || errors.Is(err, participant.ErrUnavailable) || !strings.Contains(err.Error(), "medcommit schema mysql") {
		t.Errorf("without tables and rights: %v", err)
	}
	l.exec(t, Schema)
	for _, table := range tables {
		l.exec(t, "GRANT SELECT, INSERT, UPDATE, DELETE ON "+table+" TO clerk@'%'")
	}
	first := l.opened(t, 1, clerk)
	xid := prepared(t, first, write("a", int64(1)))
	second := l.opened(t, 2, clerk)
	committed(t, second, xid)
}

func wrongPassword(t *testing.T, l *lab) {
	m := l.manager(t, func(c *Config) { c.URL = l.as(t, url.UserPassword("nobody", "hunter2")) })
	defer m.Close()
	err := m.Open(t.Context(), "lab", "site-a", 1)
	if !errors.Is(err, ErrUnfit) || errors.Is(err, participant.ErrUnavailable) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("open: %v", err)
	}
}

func otherEngine(t *testing.T, l *lab) {
	l.exec(t, strings.ReplaceAll(Schema, "InnoDB", "MyISAM"))
	m := l.manager(t, nil)
	defer m.Close()
	if err := m.Open(t.Context(), "lab", "site-a", 1); !errors.Is(err, ErrUnfit) || !strings.Contains(err.Error(), "medcommit_branches") {
		t.Errorf("open: %v", err)
	}
}

func unixSocket(t *testing.T, l *lab) {
	link := filepath.Join(t.TempDir(), "s") // the socket's own path may be too long for an address
	if err := os.Symlink(l.server.Socket(), link); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(l.url)
	if err != nil {
		t.Fatal(err)
	}
	u.Host, u.RawQuery = "", url.Values{"socket": {link}}.Encode()
	m := l.opened(t, 1, func(c *Config) { c.URL = u.String() })
	committed(t, m, prepared(t, m, write("a", int64(1))))
}

func noServer(t *testing.T, _ *lab) {
	m, err := New(Config{URL: "mysql://u:hunter2@127.0.0.1:1/d"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	err = m.Open(context.Background(), "lab", "site-a", 1)
	if !errors.Is(err, participant.ErrUnavailable) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("open: %v", err)
	}
}
