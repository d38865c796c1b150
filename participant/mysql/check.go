package mysql

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/medcommit/medcommit/participant"
)

// Check looks whether a database can serve participant name of cluster, and changes nothing in it.
func Check(ctx context.Context, cfg Config, cluster, name string) []participant.Finding {
	c := &checkup{}
	m, err := New(cfg)
	if err != nil {
		c.fault(err.Error(), "correct the resource URL")
		return c.found
	}
	defer m.Close()
	ctx, cancel := context.WithTimeout(ctx, m.cfg.CallTimeout)
	defer cancel()
	s, err := m.dial(ctx)
	if err != nil {
		c.fault(err.Error(), "start the server, or correct host, port, database, user or password in the resource URL")
		return c.found
	}
	defer s.close()
	c.server(ctx, s)
	c.clockAndDisk(ctx, s, cfg.URL)
	c.ownTables(ctx, s)
	c.siteTables(ctx, s)
	c.branches(ctx, s, cluster, name)
	return c.found
}

// checkup collects findings.
type checkup struct{ found []participant.Finding }

func (c *checkup) good(what string) {
	c.found = append(c.found, participant.Finding{Level: participant.FindingGood, What: what})
}

func (c *checkup) warn(what, remedy string) {
	c.found = append(c.found, participant.Finding{Level: participant.FindingWarning, What: what, Remedy: remedy})
}

func (c *checkup) fault(what, remedy string) {
	c.found = append(c.found, participant.Finding{Level: participant.FindingFault, What: what, Remedy: remedy})
}

// inFlight is how many branches a participant works on at once by default, and finishers it has.
const inFlight = 64 + 8

func (c *checkup) server(ctx context.Context, s *session) {
	is, err := probe(ctx, s)
	if err != nil {
		c.fault(told(err).Error(), "look at the server's log")
		return
	}
	if err := is.fit(); err != nil {
		c.fault(err.Error(), "see there")
	} else {
		c.good("the server is " + is.version)
	}
	for _, w := range is.warnings() {
		c.warn(w.what, w.remedy)
	}
	if is.maxConnections > 0 && is.maxConnections < 2*inFlight {
		c.warn(fmt.Sprintf("max_connections is %d, and each unfinished branch takes one", is.maxConnections),
			fmt.Sprintf("SET GLOBAL max_connections = %d or more, in the server's settings too", 4*inFlight))
	}
}

// clockAndDisk compares the server's clock with this process's, and looks at the disk of a server on this machine.
func (c *checkup) clockAndDisk(ctx context.Context, s *session, rawURL string) {
	var seconds float64
	var dir string
	before := time.Now()
	err := s.conn.QueryRowContext(ctx, "SELECT UNIX_TIMESTAMP(SYSDATE(3)), @@datadir").Scan(&seconds, &dir)
	if err != nil {
		c.fault(told(err).Error(), "look at the server's log")
		return
	}
	says := time.UnixMicro(int64(seconds * 1e6))
	c.found = append(c.found, participant.CompareClock(says.Sub(before.Add(time.Since(before)/2))))
	if u, err := url.Parse(rawURL); err == nil && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()) {
		c.found = append(c.found, participant.LookAtDisk(dir))
	}
}

// ownTables looks at our tables and at the rights to use them, by statements that change no row.
func (c *checkup) ownTables(ctx context.Context, s *session) {
	engines, err := tableEngines(ctx, s)
	if err != nil {
		c.fault(told(err).Error(), "look at the server's log")
		return
	}
	for _, t := range tables {
		engine, there := engines[t]
		switch {
		case !there:
			c.warn("table "+t+" is not there; it is made when the participant opens the database",
				"where its user may not create tables, run what medcommit schema mysql prints as one who may")
			continue
		case engine != "InnoDB":
			c.fault("table "+t+" is "+engine+" and does not roll back", "ALTER TABLE "+t+" ENGINE=InnoDB")
			continue
		}
		err := s.batch(ctx, 3, "INSERT INTO "+t+" SELECT * FROM "+t+" WHERE FALSE; UPDATE "+t+" SET cluster = cluster WHERE FALSE; "+
			"DELETE FROM "+t+" WHERE FALSE")
		if err != nil {
			c.fault("table "+t+" cannot be used: "+told(err).Error(), "GRANT SELECT, INSERT, UPDATE, DELETE ON "+t+" TO its user")
			continue
		}
		c.good("table " + t + " can be used")
	}
}

// siteTables looks for tables that do not roll back.
func (c *checkup) siteTables(ctx context.Context, s *session) {
	rows, err := s.conn.QueryContext(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() "+
		"AND table_type = 'BASE TABLE' AND engine <> 'InnoDB' AND table_name NOT LIKE 'medcommit\\_%' ORDER BY table_name")
	if err != nil {
		c.fault(told(err).Error(), "look at the server's log")
		return
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			c.fault(err.Error(), "look at the server's log")
			return
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		c.fault(told(err).Error(), "look at the server's log")
		return
	}
	if len(names) > 0 {
		c.warn("tables that are not InnoDB do not roll back: "+strings.Join(names, ", "),
			"ALTER TABLE … ENGINE=InnoDB, where an operation changes them")
	}
}

// branches counts what is prepared.
func (c *checkup) branches(ctx context.Context, s *session, cluster, name string) {
	all, err := recoverable(ctx, s)
	if err != nil {
		c.fault(told(rights(err)).Error(), "GRANT XA_RECOVER_ADMIN ON *.* TO its user")
		return
	}
	ours := 0
	for _, l := range all {
		if xid, ok := l.xid(); ok && xid.Cluster == cluster && xid.Participant == name {
			ours++
		}
	}
	c.good(fmt.Sprintf("prepared branches can be listed; %d are this participant's", ours))
	if others := len(all) - ours; others > 0 {
		c.warn(fmt.Sprintf("%d prepared branches on this server are others', and hold their locks until those finish them", others),
			"look at them with XA RECOVER; medcommit never touches them")
	}
}
