package sim

import "github.com/medcommit/medcommit/txn"

// call is one call of a process to its site's database, on its way.
type call struct {
	by       *process
	site     *site
	effect   txn.Effect
	answer   txn.Event
	done     bool // the database has carried it out
	cancel   bool
	slow     bool
	lookup   bool // the answer to PREPARE was lost: it is looked up instead
	rollback bool // R16 switched off: the branch is rolled back for its own vote to abort
}

// ask hands a call to the database.
func (w *world) ask(p *process, e txn.Effect) {
	w.calls = append(w.calls, &call{by: p, site: p.site, effect: e, slow: w.faults.has(faultLate) && w.rng.chance(3)})
}

func (w *world) cancel(p *process, k txn.Key) {
	for _, c := range w.calls {
		if e, ok := c.effect.(txn.Work); ok && c.by == p && e.XID.Key == k {
			c.cancel = true
		}
	}
}

// advance moves the i-th call on by one stage: carried out, then answered.
func (w *world) advance(i int) {
	c := w.calls[i]
	if !c.done {
		w.execute(c)
		return
	}
	if !c.by.alive {
		w.calls = append(w.calls[:i:i], w.calls[i+1:]...)
		return
	}
	if c.lookup {
		c.lookup = false
		c.answer = w.lookUp(c)
		return
	}
	if c.rollback {
		c.rollback = false
		w.finish(c.site, txn.Finish{XID: c.effect.(txn.Work).XID, Verdict: txn.VerdictAbort})
		return
	}
	w.calls = append(w.calls[:i:i], w.calls[i+1:]...)
	w.step(c.by, c.answer)
}

// lookUp answers a Work whose PREPARE was not answered, by what the database says now (R16).
func (w *world) lookUp(c *call) txn.Event {
	k := c.effect.(txn.Work).XID.Key
	d := c.site.db
	_, prepared := d.prepared[k]
	_, marked := d.marked[k]
	if prepared || marked {
		return txn.Worked{Key: k, Ballot: txn.Commit()}
	}
	return txn.Worked{Key: k, Ballot: txn.Abort(txn.DetailNotPrepared)}
}

// execute has the database carry a call out.
func (w *world) execute(c *call) {
	c.done = true
	fails := w.faults.has(faultDatabase) && w.rng.chance(4)
	d := c.site.db
	switch e := c.effect.(type) {
	case txn.Work:
		c.answer = txn.Worked{Key: e.XID.Key, Ballot: w.work(c, e)}
	case txn.Finish:
		r := txn.FinishFailed
		if !fails && !c.site.poisoned[e.XID.Key] {
			r = w.finish(c.site, e)
		}
		c.answer = txn.Finished{Key: e.XID.Key, Result: r}
	case txn.ListPrepared:
		c.answer = txn.PreparedListed{Token: e.Token, Branches: d.list(), Failed: fails}
	case txn.FindBranches:
		c.answer = txn.BranchesFound{Token: e.Token, Missing: d.missing(e.Keys), Failed: fails}
	case txn.LoadSite:
		c.answer = txn.SiteLoaded{Token: e.Token, Exists: d.hasRow, Row: d.row, Failed: fails}
	case txn.SaveSite:
		c.answer = txn.SiteSaved{Token: e.Token, Failed: fails, Moved: !fails && !d.save(e, w.mutation)}
	}
	w.traceCall(c)
}

// work executes a branch.
func (w *world) work(c *call, e txn.Work) txn.Ballot {
	if c.cancel && w.rng.chance(2) {
		return txn.Abort(txn.DetailNotPrepared)
	}
	if w.faults.has(faultDatabase) && w.rng.chance(8) {
		return txn.Abort(txn.DetailDatabaseUnavailable)
	}
	payload := e.Prepare.Payload
	if e.Prepare.Head != "" {
		payload = w.payload(e.Prepare.Head)
	}
	b := c.site.db.prepare(e.XID, payload, w.mutation)
	if w.mutation == noGuard && b.Vote == txn.VoteAbort {
		c.rollback = true
	}
	c.lookup = b.Vote == txn.VoteCommit && w.faults.has(faultLookup) && w.rng.chance(2)
	return b
}

// payload reads a payload that is stored in parts.
func (w *world) payload(head string) []byte {
	return w.zk.lookup(txn.PartPath(head, 0)).now().data
}

// finish commits or rolls back, and has the judge look.
func (w *world) finish(s *site, f txn.Finish) txn.FinishResult {
	k := f.XID.Key
	if f.Verdict == txn.VerdictCommit {
		w.judge.commits(s, k)
		return s.db.commit(k)
	}
	if s.db.rollback(k) {
		w.judge.rolledBack(s, k)
	}
	if _, committed := s.db.marked[k]; committed && f.ByHand {
		return txn.FinishUnknown
	}
	return txn.FinishDone
}

// missing gives those of keys that are neither prepared nor marked.
func (d *database) missing(keys []txn.Key) (list []txn.Key) {
	for _, k := range keys {
		_, prepared := d.prepared[k]
		if _, marked := d.marked[k]; !prepared && !marked {
			list = append(list, k)
		}
	}
	return list
}

// save never lowers the row, but where an operator has adopted it; a late call of an older process is refused.
func (d *database) save(e txn.SaveSite, m mutation) bool {
	known := !d.row.Before(e.Was) && !e.Row.Before(d.row)
	if e.Adopted {
		known = d.row == e.Was || d.row == e.Row
	}
	if !known && m != lowerRow {
		return false
	}
	d.row, d.hasRow = e.Row, true
	return true
}

// dropCalls ends what a process that died was doing; where the database is late, some of it goes on and ends by itself.
func (w *world) dropCalls(p *process) {
	kept := w.calls[:0]
	for _, c := range w.calls {
		if c.by != p {
			kept = append(kept, c)
			continue
		}
		if !c.done && w.faults.has(faultLate) && w.rng.chance(2) {
			kept = append(kept, c)
		}
	}
	w.calls = kept
}

// endCalls ends all that a database was doing: it was stopped.
func (w *world) endCalls(s *site) {
	kept := w.calls[:0]
	for _, c := range w.calls {
		if c.site != s {
			kept = append(kept, c)
		}
	}
	w.calls = kept
}
