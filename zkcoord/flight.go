package zkcoord

import (
	"time"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/txn/failpoint"
)

// flight is one submission of this coordinator, from handing in to completion. The loop owns it.
type flight struct {
	submit  txn.Submit
	wait    txn.Wait
	set     string // of participants, for the admission
	begun   time.Time
	answers chan answer // takes one
	decided bool
}

// answer is what a waiting caller gets, once.
type answer struct {
	result txn.SubmitResult
	key    txn.Key
	view   txn.Transaction
	missed bool // it was decided, retired and dropped before its decision was read here
}

// waiter waits for one key to come as far as wait says.
type waiter struct {
	wait    txn.Wait
	answers chan answer // takes one
}

// enough tells whether a transaction in state s has come as far as wait says.
func enough(wait txn.Wait, s txn.State) bool {
	switch wait {
	case txn.WaitNone:
		return true
	case txn.WaitCompleted:
		return s == txn.StateCommitted || s == txn.StateAborted
	}
	return s.Decided()
}

// flights is all that callers wait for. It belongs to the loop.
type flights struct {
	last      txn.Ticket
	undecided int // handed in, and not decided or refused
	tickets   map[txn.Ticket]*flight
	own       map[txn.Key]*flight // accepted, not complete
	waiters   map[txn.Key][]*waiter
}

func newFlights() *flights {
	return &flights{
		tickets: map[txn.Ticket]*flight{}, own: map[txn.Key]*flight{}, waiters: map[txn.Key][]*waiter{},
	}
}

// launch gives the flight a ticket; the machine answers it with Submitted.
func (f *flights) launch(fl *flight) txn.Submit {
	f.last++
	f.undecided++
	fl.submit.Ticket = f.last
	f.tickets[f.last] = fl
	submit := fl.submit
	fl.submit.Prepares = nil // the payloads are the machine's now
	return submit
}

func (f *flights) land(t txn.Ticket) *flight {
	fl := f.tickets[t]
	delete(f.tickets, t)
	return fl
}

// idle tells whether nobody waits here.
func (f *flights) idle() bool { return len(f.tickets) == 0 && len(f.waiters) == 0 }

// concerns tells whether anybody here waits for key.
func (f *flights) concerns(key txn.Key) bool {
	return f.own[key] != nil || len(f.waiters[key]) > 0
}

// awaits tells whether anything here waits for key to come to s.
func (f *flights) awaits(key txn.Key, s txn.State) bool {
	if fl := f.own[key]; fl != nil && s.Decided() && (!fl.decided || enough(txn.WaitCompleted, s)) {
		return true // to be counted
	}
	for _, w := range f.waiters[key] {
		if enough(w.wait, s) {
			return true
		}
	}
	return false
}

// wake answers those for whom view is enough.
func (f *flights) wake(view *txn.Transaction) {
	waiting := f.waiters[view.Key]
	if len(waiting) == 0 {
		return
	}
	rest := waiting[:0]
	for _, w := range waiting {
		if !enough(w.wait, view.State) {
			rest = append(rest, w)
			continue
		}
		failpoint.Before(failpoint.Answer)
		w.answers <- answer{result: txn.SubmitAccepted, key: view.Key, view: *view}
		failpoint.After(failpoint.Answer)
	}
	if len(rest) == 0 {
		delete(f.waiters, view.Key)
		return
	}
	f.waiters[view.Key] = rest
}

// missed tells those who wait for key that it is not in the live logs any more.
func (f *flights) missed(key txn.Key) {
	f.tell(answer{result: txn.SubmitKnown, key: key, missed: true})
}

// tell answers all who wait for the answer's key.
func (f *flights) tell(a answer) {
	for _, w := range f.waiters[a.key] {
		w.answers <- a
	}
	delete(f.waiters, a.key)
}

// forget ends a wait that its caller gave up.
func (f *flights) forget(key txn.Key, gone *waiter) {
	waiting := f.waiters[key]
	rest := waiting[:0]
	for _, w := range waiting {
		if w != gone {
			rest = append(rest, w)
		}
	}
	if len(rest) == 0 {
		delete(f.waiters, key)
		return
	}
	f.waiters[key] = rest
}

// abandon answers all who wait with "perhaps": the loop ends.
func (f *flights) abandon() {
	for _, fl := range f.tickets {
		fl.answers <- answer{result: txn.SubmitPerhaps, key: fl.submit.Submission.Key}
	}
	for key, waiting := range f.waiters {
		for _, w := range waiting {
			w.answers <- answer{result: txn.SubmitPerhaps, key: key}
		}
	}
	clear(f.tickets)
	clear(f.waiters)
}
