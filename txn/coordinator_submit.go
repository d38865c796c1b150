package txn

import "time"

// submitting is the lane of submissions: what waits for the next multi, and what is in flight or was lost.
type submitting struct {
	waiting []*handing // surely not in the log
	flying  bool       // a multi is in flight
	looking bool       // the logs are read before the next one; over with the session
	lost    []*handing // the answer was lost: perhaps they are in the log (R6)
	doubted []*handing // their ids' meaning is read before they are answered
	judging bool       // and is being read
	unread  []unread   // in the log, and not read there yet; in log order, of this session
}

// unread is a submission of one's own that was not read yet.
type unread struct {
	key Key
	pos Pos
}

// handing is one submission on its way into the log.
type handing struct {
	Submit
	since   time.Duration
	horizon int32 // as it was before the id was looked for (R15)
	sent    bool  // perhaps it is in the log
	asked   bool  // of the doubted: what its id means is being read for it
	certain bool  // and was read
}

// submitOne looks for the id and queues the submission where it is new, and where there is room for it in history. An id that is
// known is answered in any case: it was started.
func (c *Coordinator) submitOne(s Submit) {
	c.place(&handing{Submit: s, since: c.now, horizon: c.horizon})
}

func (c *Coordinator) place(h *handing) {
	switch {
	case !c.synced:
		c.emit(Submitted{Ticket: h.Ticket, Result: SubmitUnavailable})
	case c.answerKnown(h):
	case c.index.bytes >= c.cfg.HistoryBytes:
		c.emit(Submitted{Ticket: h.Ticket, Result: SubmitFull})
	default:
		c.submit.waiting = append(c.submit.waiting, h)
	}
}

// answerKnown answers a submission whose id is in use already.
func (c *Coordinator) answerKnown(h *handing) bool {
	t, p, ok := c.index.meaning(h.Submission.ID)
	switch {
	case !ok:
		return false
	case t == nil:
		c.emit(Submitted{Ticket: h.Ticket, Result: SubmitPast, Chapter: p.pos})
	case t.sub.Digest != h.Submission.Digest && t.decision == nil && !h.certain:
		c.doubt(h)
	case t.sub.Digest != h.Submission.Digest:
		c.emit(Submitted{Ticket: h.Ticket, Result: SubmitIDReuse, Key: t.sub.Key})
	default:
		c.emit(Submitted{Ticket: h.Ticket, Result: SubmitKnown, Key: t.sub.Key})
	}
	return true
}

// doubt puts a submission off whose id another, undecided one seems to have with another digest: here that is not decided, but it may
// be a duplicate of what this coordinator has not read yet, or long gone. All logs are read to their ends first (R3).
func (c *Coordinator) doubt(h *handing) {
	c.submit.doubted = append(c.submit.doubted, h)
	if !c.submit.judging {
		c.judgeDoubted()
	}
}

func (c *Coordinator) judgeDoubted() {
	s := &c.submit
	s.judging = true
	for _, h := range s.doubted {
		h.asked = true
	}
	c.touch(func() {
		c.readAll(func() {
			c.prune(func() {
				doubted := s.doubted
				s.doubted, s.judging = nil, false
				for _, h := range doubted {
					if h.certain = h.asked; h.certain {
						c.place(h)
					} else {
						c.doubt(h)
					}
				}
			})
		})
	})
}

// expireSubmissions answers those that are too old to be written (R15): an id that was known when they came may since be forgotten.
func (c *Coordinator) expireSubmissions() {
	c.submit.waiting = c.answerWhere(c.submit.waiting, c.tooOld)
	c.submit.lost = c.answerWhere(c.submit.lost, c.tooOld)
	c.submit.doubted = c.answerWhere(c.submit.doubted, c.tooOld)
}

func (c *Coordinator) tooOld(h *handing) bool { return c.now-h.since > Patience(c.cfg.Retention) }

// answerWhere answers, and leaves out, those of hs that gone names: 503 where no multi was ever sent, else 202.
func (c *Coordinator) answerWhere(hs []*handing, gone func(*handing) bool) []*handing {
	rest := hs[:0]
	for _, h := range hs {
		switch {
		case !gone(h):
			rest = append(rest, h)
		case h.sent:
			c.emit(Submitted{Ticket: h.Ticket, Result: SubmitPerhaps, Key: h.Submission.Key})
		default:
			c.emit(Submitted{Ticket: h.Ticket, Result: SubmitUnavailable})
		}
	}
	return rest
}

// failUnsent answers, at the end of a session, what is surely not in the log.
func (c *Coordinator) failUnsent() {
	c.submit.looking, c.submit.judging = false, false
	all := func(*handing) bool { return true }
	c.submit.waiting = c.answerWhere(c.submit.waiting, all)
	c.submit.doubted = c.answerWhere(c.submit.doubted, all)
}

// requeue takes back what surely was not applied.
func (c *Coordinator) requeue(hs []*handing) {
	for _, h := range hs {
		h.sent = false
	}
	c.submit.waiting = append(hs, c.submit.waiting...)
	if !c.synced {
		c.failUnsent()
	}
}

// flushSubmissions merges what waits into one multi: check the horizon as it was when the ids were looked for, append the records
// and every concerned site's prepares, take the payloads' heads.
func (c *Coordinator) flushSubmissions() {
	s := &c.submit
	if !c.synced || s.flying || s.looking {
		return
	}
	c.expireSubmissions() // one that comes back from a multi that failed may be old
	if len(s.waiting) == 0 {
		return
	}
	for _, h := range s.waiting {
		if h.horizon != c.horizon {
			c.lookAgain()
			return
		}
	}
	m := newMerger(c)
	n := 0
	for n < len(s.waiting) && (n == 0 || m.fits(s.waiting[n])) {
		m.add(s.waiting[n])
		n++
	}
	sent := append([]*handing(nil), s.waiting[:n]...)
	s.waiting = append(s.waiting[:0], s.waiting[n:]...)
	for _, h := range sent {
		h.sent = true
	}
	s.flying = true
	ops := m.ops()
	c.multi(ops, func(r multiResult) {
		s.flying = false
		switch {
		case r.done:
			for _, h := range sent {
				c.emit(Submitted{Ticket: h.Ticket, Result: SubmitAccepted, Key: h.Submission.Key})
				if _, bad := c.index.unreadable[Transactions][r.appended[0]]; bad {
					c.emit(Unreadable{Key: h.Submission.Key})
				} else if c.synced && c.index.txs[h.Submission.Key] == nil {
					s.unread = append(s.unread, unread{h.Submission.Key, r.appended[0]})
				}
			}
		case r.failed:
			c.resubmit(sent, ops[r.index], r.err)
		case r.unsent:
			c.requeue(sent)
		default:
			s.lost = append(s.lost, sent...)
			if c.synced {
				c.findLost()
			}
		}
	})
}

// submissionsRead notes that "transactions" was read up to, not including, a place. What should have been there and was not is
// decided, retired and gone already.
func (c *Coordinator) submissionsRead(before Pos) {
	s := &c.submit
	var gone []Key
	for len(s.unread) > 0 && s.unread[0].pos.Before(before) {
		k, pos := s.unread[0].key, s.unread[0].pos
		s.unread = s.unread[1:]
		if _, bad := c.index.unreadable[Transactions][pos]; bad {
			c.emit(Unreadable{Key: k})
		} else if c.index.txs[k] == nil {
			gone = append(gone, k)
		}
	}
	c.goneToHistory(gone)
}

// goneToHistory tells of transactions whose records were gone before they were read, once history is read: before that, what their
// ids mean may be taken for a later submission (R3).
func (c *Coordinator) goneToHistory(keys []Key) {
	if len(keys) == 0 {
		return
	}
	c.readToEnd(historyLog, func() {
		for _, k := range keys {
			c.emit(Changed{Key: k})
		}
	})
}

// resubmit takes a multi that surely failed by op: the submissions it is the fault of are answered, the others wait again.
func (c *Coordinator) resubmit(hs []*handing, op Op, err OpError) {
	switch {
	case op.Kind == OpCheck: // the horizon moved: look for the ids again, under the new one (R15)
		c.requeue(hs)
		if c.synced {
			c.lookAgain()
		}
		return
	case op.Kind == OpAppend && err == OpErrClosed:
		c.closed(op)
	case op.Kind == OpAppend && err == OpErrNoNode:
		hs = c.refuse(hs, SubmitNoSite, func(h *handing) bool {
			for _, p := range h.Submission.Participants {
				if p == op.Log.Participant {
					return true
				}
			}
			return false
		})
	case op.Kind == OpSet: // a payload's head was swept
		hs = c.refuse(hs, SubmitNoPayload, func(h *handing) bool {
			for _, p := range h.Prepares {
				if p.Head != "" && HeadPath(p.Head) == op.Path {
					return true
				}
			}
			return false
		})
	default:
		hs = c.refuse(hs, SubmitTooLarge, func(*handing) bool { return true })
	}
	c.requeue(hs)
}

func (c *Coordinator) refuse(hs []*handing, why SubmitResult, guilty func(*handing) bool) []*handing {
	var rest []*handing
	for _, h := range hs {
		if guilty(h) {
			c.emit(Submitted{Ticket: h.Ticket, Result: why})
		} else {
			rest = append(rest, h)
		}
	}
	return rest
}

// lookAgain reads the horizon anew, then the logs to their ends, and leaves waiting those whose ids are still not in use.
func (c *Coordinator) lookAgain() {
	c.submit.looking = true
	c.ask(func(t Token) Effect { return ReadNode{Token: t, Path: HorizonPath} }, func(e Event) {
		n, _ := e.(NodeRead)
		c.horizon = max(c.horizon, n.Version)
		c.readAll(func() {
			c.submit.looking = false
			waiting := c.submit.waiting
			c.submit.waiting = nil
			for _, h := range waiting {
				h.horizon, h.asked, h.certain = n.Version, false, false
				if !c.answerKnown(h) {
					c.submit.waiting = append(c.submit.waiting, h)
				}
			}
		})
	})
}

// findLost reads back what a lost reply was about, after a write of its own (R6).
func (c *Coordinator) findLost() {
	c.submit.looking = true
	c.touch(func() {
		c.readAll(func() {
			c.submit.looking = false
			c.settleLost()
		})
	})
}

// settleLost answers the lost submissions: all logs were read to their ends after a write of one's own on this session, so that
// what is not in them was surely not applied, and may be submitted again under a new key. One that is too old may have been there, and
// be forgotten (R15).
func (c *Coordinator) settleLost() {
	lost := c.submit.lost
	c.submit.lost = nil
	for _, h := range lost {
		result := SubmitAgain
		switch {
		case c.index.hasKey(h.Submission.Key, h.Submission.ID):
			result = SubmitAccepted
		case len(c.index.unreadable[Transactions]) > 0: // it may be in there
			result = SubmitPerhaps
		case c.tooOld(h):
			result = SubmitPerhaps
		}
		c.emit(Submitted{Ticket: h.Ticket, Result: result, Key: h.Submission.Key})
		if result == SubmitAccepted && c.index.txs[h.Submission.Key] == nil {
			c.emit(Changed{Key: h.Submission.Key}) // it is in history already
		}
	}
}
