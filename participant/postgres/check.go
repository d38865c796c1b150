package postgres

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

// slotsWanted is how many branches a participant works on at once by default: each may be prepared.
const slotsWanted = 64

// Check looks whether a database can serve participant name of cluster, and changes nothing in it.
func Check(ctx context.Context, config Config, cluster, name string) []participant.Finding {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	c := &checkup{config: config, cluster: cluster, name: name}
	if err := c.config.Validate(); err != nil {
		c.fault(err.Error(), "correct the resource URL or the settings")
		return c.found
	}
	settings, err := c.config.pool(1, func() string { return "medcommit doctor" })
	if err == nil {
		err = settings.BeforeConnect(ctx, settings.ConnConfig)
	}
	if err != nil {
		c.fault(err.Error(), "correct the resource URL or the password file")
		return c.found
	}
	c.conn, err = pgx.ConnectConfig(ctx, settings.ConnConfig)
	if err != nil {
		c.fault(outside(err).Error(), "start the server, or correct host, port, database, user or password in the resource URL")
		return c.found
	}
	defer c.conn.Close(ctx)
	for _, look := range []func(context.Context) error{c.server, c.clock, c.disk, c.tables, c.branches} {
		if err := look(ctx); err != nil {
			c.fault(outside(err).Error(), "look at the server's log")
		}
	}
	return c.found
}

// checkup collects findings.
type checkup struct {
	config        Config
	cluster, name string
	conn          *pgx.Conn
	slots         int // max_prepared_transactions
	found         []participant.Finding
}

func (c *checkup) good(what string) { c.find(participant.FindingGood, what, "") }

func (c *checkup) warn(what, remedy string) { c.find(participant.FindingWarning, what, remedy) }

func (c *checkup) fault(what, remedy string) { c.find(participant.FindingFault, what, remedy) }

func (c *checkup) find(level participant.FindingLevel, what, remedy string) {
	c.found = append(c.found, participant.Finding{Level: level, What: what, Remedy: remedy})
}

// server looks at the version and the settings that matter.
func (c *checkup) server(ctx context.Context) error {
	is, err := inspect(ctx, c.conn)
	if err != nil {
		return err
	}
	c.slots = is.slots
	switch {
	case is.version < oldestVersion:
		c.fault("the server is PostgreSQL "+is.name+", older than 13", "upgrade it")
	case is.rollbackUnsafe():
		c.warn("PostgreSQL "+is.name+" may commit a prepared transaction that was being rolled back when it crashed", remedyUpgrade)
	default:
		c.good("the server is PostgreSQL " + is.name)
	}
	switch {
	case is.slots == 0:
		c.fault("max_prepared_transactions is 0: nothing can be prepared", remedySlots)
	case is.slots < slotsWanted:
		c.warn(fmt.Sprintf("max_prepared_transactions is %d: branches beyond it are refused for a while", is.slots), remedySlots)
	default:
		c.good(fmt.Sprintf("%d branches can be prepared at once", is.slots))
	}
	if is.standby {
		c.fault("the server is a standby and takes no writes", "let the resource URL name the primary")
	}
	var fsync string
	var connections int
	err = c.conn.QueryRow(ctx, `SELECT current_setting('fsync'), current_setting('max_connections')::int
		- current_setting('superuser_reserved_connections')::int`).Scan(&fsync, &connections)
	if err != nil {
		return err
	}
	if fsync != "on" {
		c.warn("fsync is off: a power cut may lose what was prepared", "set fsync to on")
	}
	if needed := c.config.PrepareConnections + c.config.FinishConnections; connections < 2*needed {
		c.warn(fmt.Sprintf("the server takes %d connections, and a participant uses up to %d, twice that while it is replaced",
			connections, needed), "raise max_connections")
	}
	return nil
}

// tables looks at our tables and at the rights to use them.
func (c *checkup) tables(ctx context.Context) error {
	const missing = "it is made when the participant opens the database"
	var create bool
	err := c.conn.QueryRow(ctx, `SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)`).Scan(&create)
	if err != nil {
		return err
	}
	for _, table := range []string{"medcommit_branches", "medcommit_site"} {
		var there, usable bool
		err := c.conn.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL, coalesce(has_table_privilege(to_regclass($1), 'SELECT')
			AND has_table_privilege(to_regclass($1), 'INSERT') AND has_table_privilege(to_regclass($1), 'UPDATE'), false)`,
			table).Scan(&there, &usable)
		switch {
		case err != nil:
			return err
		case usable:
			c.good("table " + table + " can be used")
		case there:
			c.fault("table "+table+" cannot be used", "GRANT SELECT, INSERT, UPDATE ON "+table+" TO its role")
		case create:
			c.warn("table "+table+" is not there; "+missing, "nothing, or run what medcommit schema postgres prints")
		default:
			c.fault("table "+table+" is not there, and the role may not create it",
				"run what medcommit schema postgres prints as one who may, or GRANT CREATE ON SCHEMA")
		}
	}
	return nil
}

// clock compares the server's clock with this process's.
func (c *checkup) clock(ctx context.Context) error {
	var says time.Time
	before := time.Now()
	if err := c.conn.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&says); err != nil {
		return err
	}
	c.found = append(c.found, participant.CompareClock(says.Sub(before.Add(time.Since(before)/2))))
	return nil
}

// disk looks at the disk of a server on this machine, where the role may know its data folder.
func (c *checkup) disk(ctx context.Context) error {
	var dir string
	var known bool
	err := c.conn.QueryRow(ctx, `SELECT pg_has_role('pg_read_all_settings', 'MEMBER')`).Scan(&known)
	if err != nil || !known || !local(c.conn.PgConn().Conn().RemoteAddr()) {
		return err
	}
	if err := c.conn.QueryRow(ctx, `SELECT current_setting('data_directory')`).Scan(&dir); err != nil {
		return err
	}
	c.found = append(c.found, participant.LookAtDisk(dir))
	return nil
}

// local tells whether addr is on this machine.
func local(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}

// branches counts what is prepared.
func (c *checkup) branches(ctx context.Context) error {
	rows, err := c.conn.Query(ctx, `SELECT gid, owner = current_user, clock_timestamp() - prepared, database = current_database()
		FROM pg_prepared_xacts`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var ours, stuck, others, all int
	var oldest time.Duration // of the others
	for rows.Next() {
		var gid string
		var own, here bool
		var age time.Duration
		if err := rows.Scan(&gid, &own, &age, &here); err != nil {
			return err
		}
		all++
		switch x, err := txn.ParseXID(gid); {
		case !here: // takes a slot, and holds no lock of this database
		case err != nil || x.Cluster != c.cluster || x.Participant != c.name:
			others++
			oldest = max(oldest, age)
		case own:
			ours++
		default:
			stuck++
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	c.good(fmt.Sprintf("%d prepared branches are this participant's", ours+stuck))
	if stuck > 0 {
		c.fault(fmt.Sprintf("%d of them were prepared by another role, which alone can finish them", stuck),
			"let the resource URL name the role that prepared them")
	}
	if others > 0 {
		c.warn(fmt.Sprintf("%d prepared transactions in this database are others', the oldest %s old, and hold their locks until those finish them",
			others, oldest.Round(time.Second)),
			"look at them in pg_prepared_xacts; medcommit never touches them. One that nobody knows is ended by ROLLBACK PREPARED 'its gid'")
	}
	if c.slots > 0 && 5*all >= 4*c.slots {
		c.warn(fmt.Sprintf("%d of %d prepared slots are taken", all, c.slots), "finish what is prepared and old, or raise max_prepared_transactions")
	}
	return nil
}
