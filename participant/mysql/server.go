package mysql

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// server is what was found out about the database server; it is asked, and nothing about it assumed.
type server struct {
	version        string // as it says
	mariadb        bool
	major, minor   int
	maxConnections int
	// detaches says that a branch is nobody's from XA PREPARE on (MySQL 8.0.29 and later): any connection may finish it.
	detaches bool
	galera   bool
	binlog   bool
	// statements says that the binary log holds statements, which READ COMMITTED may not write.
	statements bool
	flush      string // innodb_flush_log_at_trx_commit
}

// probe asks a server what it is.
func probe(ctx context.Context, s *session) (server, error) {
	rows, err := s.conn.QueryContext(ctx, "SHOW VARIABLES WHERE Variable_name IN ('version', 'max_connections', 'log_bin', "+
		"'innodb_flush_log_at_trx_commit', 'wsrep_on', 'xa_detach_on_prepare', 'binlog_format')")
	if err != nil {
		return server{}, fmt.Errorf("ask the server what it is: %w", clean(err))
	}
	defer rows.Close()
	v := make(map[string]string)
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return server{}, fmt.Errorf("ask the server what it is: %w", err)
		}
		v[name] = value
	}
	if err := rows.Err(); err != nil {
		return server{}, fmt.Errorf("ask the server what it is: %w", clean(err))
	}
	is := server{
		version: v["version"], mariadb: strings.Contains(v["version"], "MariaDB"), detaches: v["xa_detach_on_prepare"] == "ON",
		galera: v["wsrep_on"] == "ON", binlog: v["log_bin"] == "ON",
		statements: v["log_bin"] == "ON" && v["binlog_format"] == "STATEMENT", flush: v["innodb_flush_log_at_trx_commit"],
	}
	is.major, is.minor = versionNumbers(is.version)
	is.maxConnections, _ = strconv.Atoi(v["max_connections"]) // 0 is taken for unknown
	return is, nil
}

// versionNumbers reads the first two numbers of a version such as "10.11.19-MariaDB"; zeros where there are none.
func versionNumbers(version string) (major, minor int) {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return 0, 0
	}
	major, errMajor := strconv.Atoi(parts[0])
	minor, errMinor := strconv.Atoi(parts[1])
	if errors.Join(errMajor, errMinor) != nil {
		return 0, 0
	}
	return major, minor
}

// fit returns an error that says what to do where the server cannot give what two-phase commit needs.
func (is server) fit() error {
	before := func(major, minor int) bool { return is.major < major || (is.major == major && is.minor < minor) }
	switch {
	case is.galera:
		return fmt.Errorf("%w: Galera replication (wsrep_on) allows no XA: use a server without it", ErrUnfit)
	case is.mariadb && before(10, 5):
		return fmt.Errorf("%w: it is MariaDB %s: use 10.5 or later", ErrUnfit, is.version)
	case !is.mariadb && before(8, 0):
		return fmt.Errorf("%w: it is MySQL %s: use 8.0 or later", ErrUnfit, is.version)
	case is.statements:
		return fmt.Errorf("%w: its binary log holds statements, READ COMMITTED needs rows: SET GLOBAL binlog_format = 'ROW'", ErrUnfit)
	}
	return nil
}

// weakness is what makes a server less safe than it could be.
type weakness struct{ what, remedy string }

func (is server) warnings() []weakness {
	var w []weakness
	if is.binlog && (is.mariadb || !is.detaches) { // mended in MySQL 8.0.30
		w = append(w, weakness{
			"the binary log is on: a crash of the server may part it from prepared branches (MDEV-742, MDEV-21469)",
			"run the site's server without log_bin, or compare both after a crash",
		})
	}
	if is.flush != "1" {
		w = append(w, weakness{
			"innodb_flush_log_at_trx_commit is not 1: a power cut loses what was prepared or committed",
			"SET GLOBAL innodb_flush_log_at_trx_commit = 1, in the server's settings too",
		})
	}
	return w
}

// branches is how many connections branches may hold, where the settings do not say.
func (is server) branches() int {
	if is.maxConnections == 0 {
		return 64
	}
	return min(512, max(1, is.maxConnections/2))
}
