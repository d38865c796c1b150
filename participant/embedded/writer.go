package embedded

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	"github.com/medcommit/medcommit/participant"
	"go.etcd.io/bbolt"
)

// maxBatch bounds how many writes share one transaction of the file.
const maxBatch = 512

// writer puts writes that come together into one transaction of the file: while one is synced the next ones gather.
type writer struct {
	file  *bbolt.DB
	log   hclog.Logger
	queue chan *write
	gone  chan struct{}
	// failed is set when a transaction may be on disk that the file's own bookkeeping has given up.
	failed atomic.Bool
}

// write is one caller's share. do may be called more than once, and only with the last transaction's effects staying.
type write struct {
	do   func(tx *bbolt.Tx) error
	done chan error
}

func startWriter(file *bbolt.DB, log hclog.Logger) *writer {
	w := &writer{file: file, log: log, queue: make(chan *write, maxBatch), gone: make(chan struct{})}
	go w.run()
	return w
}

// stop ends the writer; no update may be under way.
func (w *writer) stop() {
	close(w.queue)
	<-w.gone
}

func (w *writer) broken() bool { return w.failed.Load() }

// update carries do out durably. ErrBroken: perhaps; any other error: not at all.
func (w *writer) update(do func(tx *bbolt.Tx) error) error {
	one := &write{do: do, done: make(chan error, 1)}
	w.queue <- one
	return <-one.done
}

func (w *writer) run() {
	defer close(w.gone)
	for first := range w.queue {
		batch := []*write{first}
		for len(batch) < maxBatch && len(w.queue) > 0 {
			batch = append(batch, <-w.queue)
		}
		w.commit(batch)
	}
}

func (w *writer) commit(batch []*write) {
	if w.broken() {
		answerAll(batch, fmt.Errorf("%w: %w", participant.ErrUnavailable, ErrBroken))
		return
	}
	culprit, err := w.transact(batch)
	if err == nil || culprit == nil {
		answerAll(batch, err)
		return
	}
	// One write cannot be done: the others must not suffer for it.
	for _, one := range batch {
		_, err := w.transact([]*write{one})
		one.done <- err
	}
}

func answerAll(batch []*write, err error) {
	for _, one := range batch {
		one.done <- err
	}
}

// transact commits a batch as one. culprit is the write that could not be done; without one the file failed.
func (w *writer) transact(batch []*write) (culprit *write, err error) {
	var id int
	err = w.file.Update(func(tx *bbolt.Tx) error {
		id = tx.ID()
		for _, one := range batch {
			if err := one.do(tx); err != nil {
				culprit = one
				return err
			}
		}
		return nil
	})
	if err == nil || culprit != nil {
		return culprit, err
	}
	err = fmt.Errorf("%w: %w", participant.ErrUnavailable, err)
	if w.reached(id) {
		w.failed.Store(true)
		err = errors.Join(err, ErrBroken)
	}
	w.log.Error("store write failed", "error", err, "broken", w.broken())
	return nil, err
}

// reached tells whether transaction id, whose commit failed, can be seen in the file all the same: then its last page was written
// and only its sync failed, and nobody knows what is on disk. Else nothing of it counts.
func (w *writer) reached(id int) bool {
	tx, err := w.file.Begin(false)
	if err != nil {
		return true
	}
	defer func() { _ = tx.Rollback() }()
	return tx.ID() >= id
}
