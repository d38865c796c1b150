package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
	"go.etcd.io/bbolt"
)

// Prepare executes the calls on an image of the records, and writes what they intend, durably, before it says so.
func (s *Store) Prepare(ctx context.Context, xid txn.XID, calls []participant.Call) (txn.Ballot, error) {
	leave, err := s.enter()
	if err != nil {
		return txn.Abort(txn.DetailDatabaseUnavailable), nil
	}
	defer leave()
	release, err := s.turns.take(ctx, xid)
	if err != nil {
		return txn.Ballot{}, fmt.Errorf("prepare branch: %w: %w", participant.ErrInDoubt, err)
	}
	defer release()
	switch standing, err := s.standing(xid); {
	case err != nil:
		return txn.Abort(txn.DetailDatabaseUnavailable), nil
	case standing != participant.StandingNone:
		return txn.Commit(), nil
	}
	p, err := newPlan(calls)
	if err != nil {
		return txn.Ballot{}, err
	}
	if p.badKey {
		return txn.Abort(txn.DetailConstraint), nil
	}
	if p.readOnly {
		return s.look(p)
	}
	return s.prepare(ctx, xid, p)
}

// look answers a branch that only reads: it holds nothing.
func (s *Store) look(p *plan) (txn.Ballot, error) {
	ballot := txn.ReadOnly()
	err := s.file.View(func(tx *bbolt.Tx) error {
		i := newImage(tx)
		for _, a := range p.acts {
			d, err := i.execute(a)
			if err != nil {
				return err
			}
			if d != txn.DetailNone {
				ballot = txn.Abort(d)
				return nil
			}
		}
		return nil
	})
	return ballot, err
}

func (s *Store) prepare(ctx context.Context, xid txn.XID, p *plan) (txn.Ballot, error) {
	b := &branch{XID: xid, Since: time.Now().UTC(), Adds: map[string]map[string]*addition{}}
	refusals, ballot := s.lock(ctx, b, p)
	if ballot.Vote == txn.VoteNone {
		var err error
		if ballot, err = s.execute(b, p, refusals); err != nil {
			s.locks.release(b)
			return txn.Ballot{}, err
		}
	}
	if ballot.Vote != txn.VoteCommit {
		s.locks.release(b)
		return ballot, nil
	}
	switch err := s.writer.update(b.write); {
	case errors.Is(err, ErrBroken):
		return txn.Ballot{}, fmt.Errorf("prepare branch: %w: %w", participant.ErrInDoubt, err)
	case err != nil:
		s.locks.release(b)
		return txn.Abort(txn.DetailDatabaseUnavailable), nil
	}
	s.mu.Lock()
	s.prepared[xid] = b
	s.mu.Unlock()
	return ballot, nil
}

// lock takes all keys of the plan in their order. A vote says why it cannot be; refusals are keys whose additions fail.
func (s *Store) lock(ctx context.Context, b *branch, p *plan) (refusals map[string]txn.Detail, ballot txn.Ballot) {
	ctx, cancel := context.WithTimeout(ctx, s.config.LockTimeout)
	defer cancel()
	defer context.AfterFunc(s.closing, cancel)()
	refusals = map[string]txn.Detail{}
	for _, key := range p.order() {
		w := &wish{branch: b, key: key, adds: p.keys[key].adds, create: p.keys[key].create}
		answer, onlyPending, err := s.locks.take(ctx, w)
		switch {
		case err != nil && onlyPending:
			ballot = txn.Abort(txn.DetailBounds)
			ballot.Retryable = true
			return nil, ballot
		case err != nil:
			return nil, txn.Abort(txn.DetailLockTimeout)
		case answer == answerNotFound:
			refusals[key] = txn.DetailNotFound
		case answer == answerNoNumber:
			refusals[key] = txn.DetailCondition
		case answer == answerBounds:
			refusals[key] = txn.DetailBounds
		case answer == answerError:
			return nil, txn.Abort(txn.DetailDatabaseUnavailable)
		}
	}
	return refusals, ballot
}

// execute runs the acts in their order on an image of what the branch holds, and keeps what they intend in b.
func (s *Store) execute(b *branch, p *plan, refusals map[string]txn.Detail) (ballot txn.Ballot, err error) {
	ballot = txn.Commit()
	err = s.file.View(func(tx *bbolt.Tx) error {
		i := newImage(tx)
		for _, a := range p.acts {
			d, shared := refusals[a.Key], b.Adds[a.Key] != nil
			if d == txn.DetailNone && !shared {
				if d, err = i.execute(a); err != nil {
					return err
				}
			}
			if d != txn.DetailNone {
				ballot = txn.Abort(d)
				return nil
			}
		}
		b.Sets, err = i.changes()
		return err
	})
	return ballot, err
}

// plan is what a branch is going to do, by key.
type plan struct {
	acts     []participant.Act
	keys     map[string]*keyPlan
	readOnly bool
	badKey   bool // a key is empty, or too long
}

// keyPlan says how one key is needed: alone, or, where adds is set, shared.
type keyPlan struct {
	adds   map[string]*addition
	create bool
}

func newPlan(calls []participant.Call) (*plan, error) {
	p := &plan{keys: map[string]*keyPlan{}, readOnly: true}
	for _, c := range calls {
		acts, err := c.Acts()
		if err != nil {
			return nil, err
		}
		p.acts = append(p.acts, acts...)
		p.readOnly = p.readOnly && c.Operation.ReadOnly && !slices.ContainsFunc(acts, writes)
	}
	for _, a := range p.acts {
		p.badKey = p.badKey || a.Key == "" || len(a.Key) > MaxKey
		if err := p.need(a); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func writes(a participant.Act) bool { return a.Kind != participant.ActCheck }

// need puts one act to the plan. One act on a key that is no addition makes the branch need it alone.
func (p *plan) need(a participant.Act) error {
	k := p.keys[a.Key]
	if k == nil {
		k = &keyPlan{adds: map[string]*addition{}}
		p.keys[a.Key] = k
	}
	if a.Kind != participant.ActAdd {
		k.adds = nil
	}
	if k.adds == nil {
		return nil
	}
	n, err := readAdd(a)
	if err != nil {
		return err
	}
	k.create = k.create || a.Create
	if k.adds[a.Field] == nil {
		k.adds[a.Field] = &addition{}
	}
	k.adds[a.Field].add(n.by, n.min, n.max)
	return nil
}

func (p *plan) order() []string {
	keys := make([]string, 0, len(p.keys))
	for key := range p.keys {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
