package txn

import (
	"encoding/json"
	"fmt"
	"time"
)

// A new session fences its own past (R5), finds out whether database and ZooKeeper are still the ones it knew (R10), and reads
// everything anew: start, bump, recover, judge, register, list, read, and reconcile, each going on when the one before was
// answered.

// firstRetry and lastRetry bound the back-off of the questions that may fail.
const (
	firstRetry = 20 * time.Millisecond
	lastRetry  = time.Second
)

func (p *Participant) sessionUp(e SessionUp) {
	p.discard()
	p.nonce, p.attempt = e.Nonce, 0
	p.start()
}

// sessionLost stops everything that needs ZooKeeper. What is decided stays decided: it is still finished.
func (p *Participant) sessionLost() {
	p.phase = phaseDown
	p.answers, p.timers = nil, nil
	p.saver.then = nil
	p.scan.running = false
}

// discard forgets all that was read, but not that the resource manager still works: its branch must not be begun twice at once.
func (p *Participant) discard() {
	p.discards++
	p.known.decisions = later(p.known.decisions, p.decisions.readTo)
	p.siteSession = siteSession{nonce: p.nonce, attempt: p.attempt}
	p.saver.then, p.saver.queued = nil, false
	for key, b := range p.branches {
		if b.call == callNone {
			delete(p.branches, key)
			continue
		}
		*b = branch{key: key, call: b.call, called: b.called, cancelled: b.cancelled}
	}
}

// start reads who runs as this participant.
func (p *Participant) start() {
	p.unfollow()
	if p.restore.finding != nil {
		p.emit(Unwatch{AdoptPath(p.cfg.Name)})
	}
	p.discard()
	p.phase = phaseStarting
	p.attempt++
	p.readNode(IncarnationPath(p.cfg.Name), p.incarnationRead)
}

// startLater starts over, the later the more often it was tried in this session.
func (p *Participant) startLater() {
	p.later(backoff(firstRetry, lastRetry, p.attempt), p.start)
}

func (p *Participant) unfollow() {
	if p.inbox.follows {
		p.emit(Unfollow{p.inboxLog()})
	}
	if p.decisions.follows {
		p.emit(Unfollow{p.decisionsLog()})
	}
}

func (p *Participant) incarnationRead(n NodeRead) {
	if !n.Exists {
		p.startLater()
		return
	}
	var found Incarnation
	unreadable := json.Unmarshal(n.Data, &found) != nil || found.Process == "" // it names nobody, and no process writes such
	mine := !unreadable && found.Process == p.cfg.Process
	older := n.Version < p.known.incarnation // a backup's, or not up to date yet, which the bump will tell
	if p.bumped && !mine && !unreadable && !older {
		p.replaced(n.Version, found.Process)
		return
	}
	p.bumped = p.bumped || mine // a bump whose reply was lost
	p.listNode(SessionsPath(p.cfg.Name), func(l NodeListed) { p.readSessions(n.Version, l.Children, nil) })
}

// replaced ends the machine for another process, if what was read still holds in a write of this session: a new session may read
// what was there before this process's own bump (R6).
func (p *Participant) replaced(version int32, process string) {
	p.multi([]Op{{Kind: OpCheck, Path: IncarnationPath(p.cfg.Name), Version: version}}, func(r multiResult) {
		if !r.done {
			p.startLater()
			return
		}
		p.phase = phaseStopped
		p.emit(Stop{Process: process})
	})
}

// readSessions learns the versions of the nodes that former sessions left.
func (p *Participant) readSessions(version int32, names []string, deletes []Op) {
	if len(names) == 0 {
		p.bump(version, deletes)
		return
	}
	path := SessionsPath(p.cfg.Name) + "/" + names[0]
	p.readNode(path, func(n NodeRead) {
		if n.Exists {
			deletes = append(deletes, Op{Kind: OpDelete, Path: path, Version: n.Version})
		}
		p.readSessions(version, names[1:], deletes)
	})
}

// bump makes the session the only one that may write as this participant.
func (p *Participant) bump(version int32, deletes []Op) {
	name := fmt.Sprintf("%s-%d", p.nonce, p.attempt)
	data := encodeNode(Incarnation{Process: p.cfg.Process, Session: name})
	ops := append([]Op{{Kind: OpSet, Path: IncarnationPath(p.cfg.Name), Version: version, Data: data}}, deletes...)
	ops = append(ops, Op{Kind: OpCreate, Path: SessionsPath(p.cfg.Name) + "/" + name, Data: []byte("{}"), Ephemeral: true})
	p.multi(ops, func(r multiResult) {
		if !r.done {
			p.startLater()
			return
		}
		p.bumped = true
		p.incarnation = version + 1
		p.known.bump(p.incarnation)
		p.loadSite()
	})
}

func (p *Participant) loadSite() {
	p.emit(LoadSite{Token: ask(p, func(s SiteLoaded) {
		if s.Failed {
			p.later(lastRetry, p.loadSite)
			return
		}
		p.readApplied(func() { p.followDecisions(s) })
	})})
}

// followDecisions begins to read the whole decision log that is kept, not from "applied" on.
func (p *Participant) followDecisions(s SiteLoaded) {
	p.decisions.follows = true
	p.emit(Follow{p.decisionsLog()})
	p.readToEnd(p.decisionsLog(), func(e LogEnd) { p.judge(s, e.Through, false) })
}

// register tells the database which incarnation it serves. Where it has applied more than "applied" says, it keeps saying so.
func (p *Participant) register(was SiteRow) {
	row := SiteRow{Applied: later(p.applied.written.At, was.Applied), Incarnation: p.incarnation}
	p.saveSite(SaveSite{Was: was, Row: row}, func(r saved) {
		switch r {
		case savedFailed:
			p.later(lastRetry, func() { p.touch(func() { p.register(was) }) })
			return
		case savedMoved: // by a late call of a session before, or it was restored just now
			p.later(lastRetry, func() { p.touch(p.loadSite) })
			return
		}
		p.applied.saved = row
		p.listLog(p.votesLog(), func(l LogListed) {
			p.votes.gen = l.Gen
			p.listPrepared(l)
		})
	})
}

func later(a, b Pos) Pos {
	if a.Before(b) {
		return b
	}
	return a
}

// listPrepared asks the database first; a write of our own and the reading come after it (R10).
func (p *Participant) listPrepared(votes LogListed) {
	p.emit(ListPrepared{Token: ask(p, func(l PreparedListed) {
		if l.Failed {
			p.later(lastRetry, func() { p.listPrepared(votes) })
			return
		}
		p.touch(func() { p.readAll(votes, l) })
	})})
}

func (p *Participant) readAll(votes LogListed, l PreparedListed) {
	p.inbox.follows = true
	p.emit(Follow{p.inboxLog()})
	p.readToEnd(p.decisionsLog(), func(LogEnd) {
		p.readToEnd(p.inboxLog(), func(LogEnd) { p.reconcile(votes, l.Branches) })
	})
}

// backoff doubles from first to last.
func backoff(first, last time.Duration, attempt int) time.Duration {
	d := first
	for i := 1; i < attempt && d < last; i++ {
		d *= 2
	}
	return min(d, last)
}

func encodeNode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic("txn: a record cannot be encoded: " + err.Error())
	}
	return data
}
