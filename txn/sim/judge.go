package sim

import (
	"encoding/json"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// judge sees every transaction of ZooKeeper and every change of the databases as it happens, and knows what must not be.
type judge struct {
	w        *world
	trials   map[txn.Key]*trial
	order    []txn.Key
	ids      map[string][]*trial
	ruledOut map[txn.Key]bool // a client was told that it was not started
	lost     map[branchName]bool
	asks     map[txn.Key]time.Duration // when it was asked for
	heads    map[string]headUse
	wishes   []*judgedWish
	byHand   map[branchName]txn.Verdict // ended in the database by an operator's force
}

type branchName struct {
	key  txn.Key
	site string
}

// headUse is which branch a payload was taken by.
type headUse struct{ branch branchName }

// trial is one submission and all that became of it.
type trial struct {
	sub       txn.Submission
	asked     time.Duration
	decision  *txn.Decision
	decided   time.Duration
	place     txn.Pos
	retired   bool
	retiredAt time.Duration
	forgotten bool
	withdrawn bool // an operator was told that it is rolled back somewhere, undecided
}

func newJudge(w *world) *judge {
	return &judge{
		w: w, trials: map[txn.Key]*trial{}, ids: map[string][]*trial{}, ruledOut: map[txn.Key]bool{},
		lost: map[branchName]bool{}, asks: map[txn.Key]time.Duration{}, heads: map[string]headUse{},
		byHand: map[branchName]txn.Verdict{},
	}
}

// asked notes when a key was asked for.
func (j *judge) asked(c *client) { j.asks[c.key] = j.w.now }

// applied looks at a transaction of ZooKeeper.
func (j *judge) applied(at zxid, ops []txn.Op, places []txn.Pos) {
	n := 0
	for i := range ops {
		op := &ops[i]
		switch op.Kind {
		case txn.OpAppend:
			j.appended(op, places[n])
			n++
		case txn.OpCreate:
			if op.Sequential {
				n++
			}
		case txn.OpSet:
			j.set(op)
		case txn.OpDelete, opDeleteAny:
			j.deleted(op)
		case txn.OpDeleteEntry:
			j.entryDeleted(op)
		}
	}
}

func (j *judge) appended(op *txn.Op, at txn.Pos) {
	seg := op.Segment
	for i := range seg.Submissions {
		t := &trial{sub: seg.Submissions[i], asked: j.asks[seg.Submissions[i].Key]}
		if j.trials[t.sub.Key] != nil {
			j.w.violate("%s is submitted twice", t.sub.Key)
		}
		j.trials[t.sub.Key] = t
		j.order = append(j.order, t.sub.Key)
		j.ids[t.sub.ID] = append(j.ids[t.sub.ID], t)
		if j.ruledOut[t.sub.Key] {
			j.w.violate("%s is in the log, and was said not to be", t.sub.Key)
		}
	}
	for i := range seg.Prepares {
		if p := &seg.Prepares[i]; p.Head != "" {
			j.heads[p.Head] = headUse{branchName{p.Key, op.Log.Participant}}
		}
	}
	j.wished(op)
	for i := range seg.Decisions {
		j.decides(&seg.Decisions[i], at)
	}
	for i := range seg.History {
		j.retires(&seg.History[i])
	}
}

// decides judges a decision as it enters the log.
func (j *judge) decides(d *txn.Decision, at txn.Pos) {
	t := j.trials[d.Key]
	switch {
	case t == nil:
		j.w.violate("%s is decided and was never submitted", d.Key)
		return
	case t.decision != nil:
		j.w.violate("%s is decided twice: %v, then %v", d.Key, t.decision.Verdict, d.Verdict)
		return
	}
	t.decision, t.decided, t.place = d, j.w.now, at
	if t.withdrawn && d.Verdict == txn.VerdictCommit {
		j.w.violate("%s is decided to commit, and an operator has withdrawn it", d.Key)
	}
	if d.Verdict == txn.VerdictCommit {
		j.commitIsSound(t)
	}
	if !j.isDuplicate(t) {
		j.meansOne(t)
	}
}

// commitIsSound checks AC3 at the commit point: every site can commit whatever happens.
func (j *judge) commitIsSound(t *trial) {
	k := t.sub.Key
	for _, name := range t.sub.Participants {
		s := j.w.sites[name]
		b, cast := t.decision.Concerns(name)
		if !cast || (b.Vote != txn.VoteCommit && b.Vote != txn.VoteReadOnly) {
			j.w.violate("%s is committed without a vote of %s", k, name)
			return
		}
		if s.restored || j.byHand[branchName{k, name}] == txn.VerdictCommit {
			continue
		}
		p, prepared := s.db.prepared[k]
		switch {
		case b.Vote == txn.VoteReadOnly && !prepared && !s.db.readonly[k]:
			j.w.violate("%s is committed and %s never did it", k, name)
		case b.Vote == txn.VoteCommit && !prepared:
			j.w.violate("%s is committed and not prepared at %s", k, name)
		case p.bad:
			j.w.violate("%s is committed and its work failed at %s", k, name)
		}
	}
}

// meansOne checks that an id has one meaning: one outcome for all who submit it within the retention.
func (j *judge) meansOne(t *trial) {
	for _, other := range j.ids[t.sub.ID] {
		if other != t && other.decision != nil && !j.isDuplicate(other) && !j.mayRepeat(other, t) {
			j.w.violate("%s is executed twice: as %s and as %s", t.sub.ID, other.sub.Key, t.sub.Key)
		}
	}
}

// slack is by how much a process's clock may be behind when it acts.
const slack = 100 * time.Millisecond

// mayRepeat tells whether an id may mean a new transaction: the first was complete for the retention when the next was asked for.
func (j *judge) mayRepeat(first, next *trial) bool {
	return first.retired && next.asked+slack >= first.retiredAt+j.w.retention
}

func (j *judge) retires(p *txn.Past) {
	k := p.Submission.Key
	t := j.trials[k]
	switch {
	case t == nil || t.decision == nil:
		j.w.violate("%s is retired undecided", k)
		return
	case t.retired:
		j.w.violate("%s is retired twice", k)
		return
	case p.Decision.Verdict != t.decision.Verdict:
		j.w.violate("%s is retired as %v and was decided %v", k, p.Decision.Verdict, t.decision.Verdict)
		return
	}
	j.historyIsLoud(p, t)
	t.retired, t.retiredAt = true, j.w.now
	if t.decision.Verdict == txn.VerdictCommit {
		for _, name := range t.sub.Participants {
			j.isDone(t, name, "retired")
		}
	}
}

// isDone checks that a decided transaction is carried out at a site, or reported as not.
func (j *judge) isDone(t *trial, name, what string) {
	s := j.w.sites[name]
	k := t.sub.Key
	if s == nil || s.restored || t.decision == nil || j.lost[branchName{k, name}] {
		return
	}
	b, concerned := t.decision.Concerns(name)
	if !concerned {
		return
	}
	_, marked := s.db.marked[k]
	switch {
	case j.contrary(branchName{k, name}) != txn.VerdictNone:
	case t.decision.Verdict == txn.VerdictCommit && b.Vote == txn.VoteCommit && !marked:
		j.w.violate("%s is %s and not committed at %s", k, what, name)
	case t.decision.Verdict == txn.VerdictAbort && marked:
		j.w.violate("%s is aborted and committed at %s", k, name)
	}
}

// set looks at "applied": all that it passes is done, or named.
func (j *judge) set(op *txn.Op) {
	for name := range j.w.sites {
		if op.Path != txn.AppliedPath(name) {
			continue
		}
		var a txn.Applied
		if err := json.Unmarshal(op.Data, &a); err != nil {
			j.w.violate("applied of %s does not decode: %v", name, err)
			return
		}
		j.answers(name, &a)
		j.settledShown(name, &a)
		named := map[txn.Key]bool{}
		for _, u := range a.Unfinished {
			named[u.Key] = true
			if u.Lost {
				j.lostAt(branchName{u.Key, name})
			}
		}
		for k, t := range j.trials {
			if t.decision != nil && t.place.Before(a.At) && !named[k] {
				j.isDone(t, name, "applied")
			}
		}
	}
}

func (j *judge) lostAt(b branchName) {
	if s := j.w.sites[b.site]; !s.restored {
		j.w.violate("%s is reported lost at %s, whose database is whole", b.key, b.site)
	}
	j.lost[b] = true
}

// deleted looks at a payload that goes: nobody may need it any more.
func (j *judge) deleted(op *txn.Op) {
	for head, use := range j.heads {
		if op.Path != txn.HeadPath(head) {
			continue
		}
		if t := j.trials[use.branch.key]; t == nil || t.decision == nil {
			j.w.violate("the payload of %s for %s is deleted, and it is undecided", use.branch.key, use.branch.site)
		}
		delete(j.heads, head)
	}
}

// entryDeleted looks at a log entry that goes.
func (j *judge) entryDeleted(op *txn.Op) {
	e := j.w.zk.logs[op.Log].find(op.Pos)
	for i := range e.segment.Submissions {
		if t := j.trials[e.segment.Submissions[i].Key]; !t.retired && !j.isDuplicate(t) {
			j.w.violate("the record of %s is deleted and it is not in history", t.sub.Key)
		}
	}
	for i := range e.segment.Decisions {
		if t := j.trials[e.segment.Decisions[i].Key]; !t.retired && !j.isDuplicate(t) {
			j.w.violate("the decision of %s is deleted and it is not in history", t.sub.Key)
		}
	}
	for i := range e.segment.Prepares {
		k := e.segment.Prepares[i].Key
		if t := j.trials[k]; t.decision == nil {
			j.w.violate("%s is deleted from an inbox undecided", k)
		}
	}
	for _, wish := range e.segment.Wishes {
		for _, x := range j.wishes {
			if x.Nonce == wish.Nonce && x.result == txn.WishNone {
				j.w.violate("the wish %s is deleted from an inbox without an answer", x.Nonce)
			}
		}
	}
	for i := range e.segment.History {
		t := j.trials[e.segment.History[i].Submission.Key]
		if j.w.now+slack < t.retiredAt+j.w.retention {
			j.w.violate("%s is forgotten before its time", t.sub.Key)
		}
		t.forgotten = true
	}
}

func (j *judge) isDuplicate(t *trial) bool {
	return t.decision != nil && t.decision.Reason != nil && t.decision.Reason.Code == txn.ReasonDuplicate
}

// commits judges a site's database as it commits a branch.
func (j *judge) commits(s *site, k txn.Key) {
	b, prepared := s.db.prepared[k]
	if t := j.trials[k]; t == nil || t.decision == nil || t.decision.Verdict != txn.VerdictCommit {
		hand := branchName{k, s.name}
		switch {
		case j.forces(hand, txn.VerdictCommit):
			if prepared {
				j.byHand[hand] = txn.VerdictCommit
			}
		case prepared || j.byHand[hand] == txn.VerdictNone:
			j.w.violate("%s is committed at %s without a decision", k, s.name)
		}
	}
	if _, marked := s.db.marked[k]; marked && prepared {
		j.w.violate("%s is executed twice at %s", k, s.name)
	}
	if prepared && b.bad {
		j.w.violate("%s commits work at %s that had failed", k, s.name)
	}
}

// rolledBack judges a site's database as it rolls a prepared branch back.
func (j *judge) rolledBack(s *site, k txn.Key) {
	t := j.trials[k]
	if t == nil || t.decision == nil || t.decision.Verdict != txn.VerdictCommit || s.restored {
		return
	}
	if hand := (branchName{k, s.name}); j.forces(hand, txn.VerdictAbort) {
		j.byHand[hand] = txn.VerdictAbort
		return
	}
	j.w.violate("%s is rolled back at %s and decided to commit", k, s.name)
}

// notStarted notes that a submission is surely not in the log, or was a duplicate there, of which nothing was done.
func (j *judge) notStarted(c *client) {
	j.ruledOut[c.key] = true
	if t := j.trials[c.key]; t != nil && !j.isDuplicate(t) {
		j.w.violate("%s is said not to be in the log, and is", c.key)
	}
}

// told judges what a client hears.
func (j *judge) told(c *client) {
	t := j.trials[c.key]
	decided := t != nil && t.decision != nil
	switch c.told {
	case toldCommitted:
		if !decided || t.decision.Verdict != txn.VerdictCommit {
			j.w.violate("a client is told that %s is committed", c.key)
		}
	case toldAborted:
		if !decided || t.decision.Verdict != txn.VerdictAbort || j.isDuplicate(t) {
			j.w.violate("a client is told that %s is aborted", c.key)
		}
	case toldIDReuse:
		if t != nil && !j.isDuplicate(t) {
			j.w.violate("a client of %s, which was started, is told that the id %s was used", c.key, c.id)
		}
		for _, o := range j.ids[c.id] {
			if o.sub.Digest != c.body.digest && !j.isDuplicate(o) {
				return
			}
		}
		j.w.violate("a client is told that the id %s was used", c.id)
	}
	if (c.told == toldCommitted || c.told == toldAborted) && t != nil && t.sub.Digest != c.body.digest {
		j.w.violate("a client of %s is told the outcome of another body", c.id)
	}
}
