package sim

import (
	"fmt"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// body is what a request asks for, at each site.
type body struct {
	id       string
	digest   string
	sites    []string
	payloads [][]byte
	large    bool // its payloads go in parts
	timeout  int64
}

// client is one request on its way through one coordinator, as the coordinator's runtime handles it.
type client struct {
	id    string
	body  *body
	at    *process
	key   txn.Key
	other txn.Key // another body's submission under the id, whose decision is waited for: it may be a duplicate
	began time.Duration
	told  told
	again bool // to be submitted again with a new key
}

// awaits is the submission that its client waits for.
func (c *client) awaits() txn.Key {
	if c.other != "" {
		return c.other
	}
	return c.key
}

// told is what a client was answered.
type told uint8

const (
	toldNothing    told = iota
	toldCommitted       // 200
	toldAborted         // 409
	toldIDReuse         // 409, id-reuse
	toldNotStarted      // 429, 503
	toldPerhaps         // 202
)

// request sends a request to a coordinator.
func (w *world) request(p *process, b *body) *client {
	c := &client{id: b.id, body: b, at: p, began: w.now}
	w.clients = append(w.clients, c)
	w.submit(c)
	return c
}

// submit hands a request to its coordinator's machine, with a new key.
func (w *world) submit(c *client) {
	c.again = false
	w.keys++
	c.key = txn.Key(fmt.Sprintf("k%025d", w.keys))
	ticket := txn.Ticket(w.keys)
	s := txn.Submission{
		Key: c.key, ID: c.id, Digest: c.body.digest, Participants: c.body.sites, Timeout: c.body.timeout, By: c.at.name,
		At: int64(w.now / time.Millisecond),
	}
	prepares := make([]txn.Prepare, len(c.body.sites))
	for i := range prepares {
		pr := txn.Prepare{Key: c.key, ID: c.id, Timeout: c.body.timeout, Payload: c.body.payloads[i], ReadOnly: workKind(c.body.payloads[i][0]) == workReadOnly}
		if c.body.large {
			pr.Head, pr.Parts, pr.Payload = w.writePayload(pr.Payload), 1, nil
		}
		prepares[i] = pr
	}
	c.at.clients[ticket] = c
	w.trace("client asks %s for %s %s as %s at %v", c.at, c.id, c.body.digest, c.key, c.body.sites)
	w.judge.asked(c)
	w.step(c.at, txn.Submit{Ticket: ticket, Submission: s, Prepares: prepares})
}

// writePayload puts a payload under a head of its own.
func (w *world) writePayload(data []byte) string {
	w.starts++
	head := fmt.Sprintf("x%d", w.starts)
	w.zk.apply(nil, []txn.Op{
		{Kind: txn.OpCreate, Path: txn.HeadPath(head)},
		{Kind: txn.OpCreate, Path: txn.PartPath(head, 0), Data: data},
	})
	return head
}

// answered takes the machine's answer to a submission.
func (w *world) answered(p *process, e txn.Submitted) {
	c := p.clients[e.Ticket]
	if c == nil {
		w.violate("%s answers ticket %d twice", p, e.Ticket)
		return
	}
	delete(p.clients, e.Ticket)
	switch e.Result {
	case txn.SubmitAccepted, txn.SubmitKnown:
		if e.Result == txn.SubmitKnown {
			w.judge.notStarted(c)
		}
		w.wait(p, c, e.Key)
	case txn.SubmitIDReuse:
		w.judge.notStarted(c)
		w.tell(c, toldIDReuse)
	case txn.SubmitPast:
		w.judge.notStarted(c)
		w.readChapter(p, c, e.Chapter, false)
	case txn.SubmitAgain, txn.SubmitNoPayload:
		w.judge.notStarted(c)
		if w.now-c.began > txn.Patience(w.retention) {
			w.tell(c, toldNotStarted)
			return
		}
		c.again = true
	case txn.SubmitNoSite, txn.SubmitFull, txn.SubmitUnavailable, txn.SubmitTooLarge:
		w.judge.notStarted(c)
		w.tell(c, toldNotStarted)
	case txn.SubmitPerhaps:
		w.tell(c, toldPerhaps)
	default:
		w.violate("%s answers a submission with %d", p, e.Result)
	}
}

// wait has a client wait for the decision of a submission.
func (w *world) wait(p *process, c *client, k txn.Key) {
	c.key = k
	p.waiting = append(p.waiting, c)
	if _, _, known := p.coord.LookupKey(k); known {
		w.changed(p, k)
	}
}

// changed tells those who wait for a submission what became of it, as their coordinator knows it.
func (w *world) changed(p *process, k txn.Key) {
	for i := 0; i < len(p.waiting); i++ {
		c := p.waiting[i]
		if c.awaits() != k {
			continue
		}
		t, _, known := p.coord.LookupKey(k)
		if known && !t.State.Decided() {
			continue
		}
		p.waiting = append(p.waiting[:i:i], p.waiting[i+1:]...)
		i--
		switch {
		case c.other == k:
			w.lookUpID(p, c, false)
		case !known:
			w.lookUpID(p, c, true)
		case t.State.Commit():
			w.tell(c, toldCommitted)
		case t.Reason.Code == txn.ReasonDuplicate:
			w.lookUpID(p, c, false)
		default:
			w.tell(c, toldAborted)
		}
	}
}

// synced looks again for those who waited over the end of a session.
func (w *world) synced(p *process) {
	for _, c := range append([]*client(nil), p.waiting...) {
		if _, _, known := p.coord.LookupKey(c.awaits()); known {
			w.changed(p, c.awaits())
			continue
		}
		for i := range p.waiting {
			if p.waiting[i] == c {
				p.waiting = append(p.waiting[:i:i], p.waiting[i+1:]...)
				break
			}
		}
		w.lookUpID(p, c, c.other == "")
	}
}

// lookUpID answers a client by what its id means, in the live logs or in history. Missed says that it waited for a submission of its
// own body, which went by. Another body's counts only once it is known not to be a duplicate: a runtime catches up with the log for
// that, here its decision is waited for.
func (w *world) lookUpID(p *process, c *client, missed bool) {
	c.other = ""
	t, digest, chapter, found := p.coord.Lookup(c.id)
	switch {
	case found == txn.FoundPast:
		w.readChapter(p, c, chapter, missed)
	case found == txn.FoundNowhere, missed && digest != c.body.digest:
		w.tell(c, toldPerhaps)
	case digest != c.body.digest && !t.State.Decided():
		c.other = t.Key
		p.waiting = append(p.waiting, c)
	case digest != c.body.digest:
		w.tell(c, toldIDReuse)
	default:
		w.wait(p, c, t.Key)
	}
}

// readChapter answers a client whose id is in an entry of history. Where that is gone the id is forgotten.
func (w *world) readChapter(p *process, c *client, at txn.Pos, missed bool) {
	e := w.zk.logs[txn.Log{Kind: txn.History}].find(at)
	if s := p.link.sess; s == nil || e == nil || !e.seenAt(s.view) {
		w.tell(c, toldPerhaps)
		return
	}
	for i := range e.segment.History {
		past := &e.segment.History[i]
		switch {
		case past.Submission.ID != c.id:
			continue
		case past.Submission.Digest != c.body.digest && missed:
			w.tell(c, toldPerhaps)
			return
		case past.Submission.Digest != c.body.digest:
			w.tell(c, toldIDReuse)
			return
		}
		c.key = past.Submission.Key
		if past.Decision.Verdict == txn.VerdictCommit {
			w.tell(c, toldCommitted)
		} else {
			w.tell(c, toldAborted)
		}
		return
	}
	w.violate("%s looks for %s in history at %v and it is not there", p, c.id, at)
}

func (w *world) tell(c *client, t told) {
	w.trace("client of %s (%s) is told %v", c.id, c.key, t)
	c.told = t
	w.judge.told(c)
}

func (t told) String() string {
	return [...]string{"nothing", "committed", "aborted", "id-reuse", "not started", "perhaps"}[t]
}
