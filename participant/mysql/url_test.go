package mysql

import (
	"errors"
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for raw, want := range map[string]string{
		"mysql://u@h/d":                          "u::tcp(h:3306)/d",
		"mysql://u:p%40%3A@h:1/d":                "u:p@::tcp(h:1)/d",
		"mysql://u:p@[::1]:3307/d?tls=preferred": "u:p:tcp([::1]:3307)/d preferred",
		"mysql://u@/d?socket=/run/my.sock":       "u::unix(/run/my.sock)/d",
	} {
		cfg, err := parseURL(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		got := strings.TrimSpace(cfg.User + ":" + cfg.Passwd + ":" + cfg.Net + "(" + cfg.Addr + ")/" + cfg.DBName + " " + cfg.TLSConfig)
		if got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
	for _, raw := range []string{
		"", "postgres://u:secret@h/d", "mysql:u:secret@h/d", "mysql://:secret@h/d", "mysql://u:secret@h", "mysql://u:secret@h/",
		"mysql://u:secret@h/d/e", "mysql://u:secret@/d", "mysql://u:secret@h/d?multiStatements=false", "mysql://u:secret@h:x/d",
		"mysql://u:secret@h/d#x", "mysql://u:secret%zz@h/d",
	} {
		_, err := parseURL(raw)
		if !errors.Is(err, ErrURL) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}
