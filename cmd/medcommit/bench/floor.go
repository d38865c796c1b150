package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/medcommit/medcommit/cmd/medcommit/load"
)

// Form is how the work is done by hand.
type Form uint8

// The forms.
const (
	// Plain sends begin, work and prepare one by one, and writes no marker.
	Plain Form = iota
	// Fair sends them in one round trip and writes a marker, as a participant does.
	Fair
)

var forms = []string{"plain", "fair"}

func (f Form) String() string { return forms[f] }

// ParseForm reads a form.
func ParseForm(text string) (Form, error) {
	for f, name := range forms {
		if name == text {
			return Form(f), nil
		}
	}
	return 0, errors.New("the form is plain or fair")
}

// session is one connection on which a client does its share by hand.
type session interface {
	// prepare begins branch gid, adds amount to an account, and prepares.
	prepare(ctx context.Context, gid string, account, amount int64) error
	// commit commits the branch that was prepared last.
	commit(ctx context.Context, gid string) error
	close()
}

// Floor does the work of a transfer by hand between two databases: work and prepare at both in parallel, then commit at both in
// parallel, with persistent connections, no log and no coordinator.
func Floor(ctx context.Context, form Form, from, to string, c load.Config) (load.Result, error) {
	clients := make([][2]session, max(c.Clients, 1))
	defer func() {
		for _, pair := range clients {
			for _, s := range pair {
				if s != nil {
					s.close()
				}
			}
		}
	}()
	for _, rawURL := range []string{from, to} {
		if err := markers(ctx, form, rawURL); err != nil {
			return load.Result{}, fmt.Errorf("make the table of markers: %w", err)
		}
	}
	for i := range clients {
		for j, rawURL := range []string{from, to} {
			var err error
			if clients[i][j], err = connect(ctx, form, rawURL); err != nil {
				return load.Result{}, fmt.Errorf("connect client %d: %w", i+1, err)
			}
		}
	}
	run := strings.ToLower(rand.Text()[:10])
	moved := make([]int64, len(clients)) // by client: what is to be moved back
	do := func(ctx context.Context, client int, n int64) error {
		amount := -moved[client]
		if amount == 0 {
			amount = 1 + mathrand.Int64N(100)
		}
		err := byHand(ctx, clients[client], fmt.Sprintf("bench.%s.%d", run, n), amount)
		if err == nil {
			moved[client] += amount
		}
		return err
	}
	c.Do = do
	result, err := load.Run(ctx, c)
	if err != nil {
		return result, err
	}
	for i := range clients {
		if moved[i] != 0 {
			if err := do(ctx, i, -int64(i)); err != nil {
				return result, err
			}
		}
	}
	return result, nil
}

// byHand does one transaction.
func byHand(ctx context.Context, pair [2]session, gid string, amount int64) error {
	accounts := [2]int64{mathrand.Int64N(Accounts), mathrand.Int64N(Accounts)}
	g, gctx := errgroup.WithContext(ctx)
	for i, s := range pair {
		g.Go(func() error { return s.prepare(gctx, branchName(gid, i), accounts[i], amount*int64(1-2*i)) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("prepare by hand: %w", err)
	}
	g, gctx = errgroup.WithContext(ctx)
	for i, s := range pair {
		g.Go(func() error { return s.commit(gctx, branchName(gid, i)) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("commit by hand: %w", err)
	}
	return nil
}

// branchName is a name of the length of a participant's own.
func branchName(gid string, i int) string {
	return fmt.Sprintf("medcommit-by-hand.%s.site-%d", gid, i+1)
}

func connect(ctx context.Context, form Form, rawURL string) (session, error) {
	switch scheme(rawURL) {
	case "postgres":
		return connectPostgres(ctx, form, rawURL)
	case "mysql":
		return connectMySQL(ctx, form, rawURL)
	}
	return nil, ErrURL
}

const markerDDL = `CREATE TABLE IF NOT EXISTS bench_branches (cluster varchar(27) NOT NULL, branch varchar(190) NOT NULL, participant varchar(63) NOT NULL,
	PRIMARY KEY (cluster, branch, participant))`

// markers makes the table that the fair form writes to.
func markers(ctx context.Context, form Form, rawURL string) error {
	if form != Fair {
		return nil
	}
	s, err := connect(ctx, Plain, rawURL)
	if err != nil {
		return err
	}
	defer s.close()
	switch s := s.(type) {
	case *postgresSession:
		_, err = s.conn.Exec(ctx, markerDDL)
	case *mysqlSession:
		_, err = s.conn.ExecContext(ctx, markerDDL)
	}
	return err
}
