package mysql

import (
	"net/url"
	"strings"
	"testing"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/dbtest"
)

func TestCheck(t *testing.T) {
	server := dbtest.NewMariaDB(t, map[string]string{"innodb-flush-log-at-trx-commit": "2"})
	l := newLab(t, server)
	want := func(name string, cfg Config, level participant.FindingLevel, what string) {
		t.Helper()
		found := Check(t.Context(), cfg, "lab", "site-a")
		for _, f := range found {
			if f.Level == level && strings.Contains(f.What, what) && (f.Remedy != "") == (level != participant.FindingGood) {
				return
			}
		}
		t.Errorf("%s: no %v about %q in %+v", name, level, what, found)
	}
	cfg := Config{URL: l.url}
	want("an empty database", cfg, participant.FindingGood, "MariaDB")
	want("an empty database", cfg, participant.FindingWarning, "table medcommit_branches is not there")
	want("a server that does not flush", cfg, participant.FindingWarning, "innodb_flush_log_at_trx_commit")
	want("a bad URL", Config{URL: "mysql:x"}, participant.FindingFault, "URL")
	want("a wrong password", Config{URL: l.as(t, url.UserPassword("x", "y"))}, participant.FindingFault, "Access denied")
	want("no server", Config{URL: "mysql://u@127.0.0.1:1/d"}, participant.FindingFault, "connect")

	m := l.opened(t, 1, nil)
	xid := prepared(t, m, write("a", int64(1)))
	_, end := l.foreign(t)
	defer end()
	want("an open database", cfg, participant.FindingGood, "table medcommit_site can be used")
	want("a prepared branch", cfg, participant.FindingGood, "1 are this participant's")
	want("a foreign branch", cfg, participant.FindingWarning, "1 prepared branches on this server are others'")
	committed(t, m, xid)

	l.exec(t, "CREATE TABLE volatile_notes (k INT) ENGINE=MyISAM; CREATE USER reader@'%'; GRANT SELECT ON *.* TO reader@'%'")
	want("a table that does not roll back", cfg, participant.FindingWarning, "volatile_notes")
	want("too few rights", Config{URL: l.as(t, url.User("reader"))}, participant.FindingFault, "table medcommit_site cannot be used")
}
