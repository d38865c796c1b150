package sim

import (
	"testing"

	"github.com/medcommit/medcommit/txn"
)

// TestScenarios replays what broke earlier drafts of the design.
func TestScenarios(t *testing.T) {
	scenes := map[string]func(*testing.T){
		"the leader aborts while a site acts on its own":                       abortMeetsWithdrawal,
		"withdrawal, then a restart before the roll-back":                      withdrawalThenRestart,
		"withdrawal while the crashed predecessor's session still lives":       withdrawalBesideAPredecessor,
		"a vote queued over an expiry, then a withdrawal":                      voteQueuedOverAnExpiry,
		"one id with two bodies through two coordinators":                      oneIDTwoBodies,
		"a duplicate applied while the first is being forgotten, then a third": duplicateWhileForgetting,
		"a database restored from a backup":                                    restoredDatabase,
		"a batch of two with one completed, then a restart":                    batchOfTwo,
		"a branch that cannot be finished while a thousand are forgotten":      poisonAmongAThousand,
		"the old leader's forgetting after a take-over":                        oldLeaderForgets,
		"a zombie that prepares after the recovery scan":                       zombiePreparesLate,
		"a leader's lost commit read back from a server that lags":             lostCommitReadBack,
		"an abort vote whose work was prepared, then a crash":                  abortVoteButPrepared,
		"a lost answer to PREPARE while a second process votes":                lostPrepareAnswer,
		"a decision read before its inbox entry":                               decisionBeforeInbox,
		"a payload swept while its coordinator sleeps":                         payloadSwept,
		"a generation that ends between two submissions of one id":             generationBetween,
		"a late PREPARE under a gid that is free again":                        latePrepare,
		"a forgotten transaction whose decision is still kept, new leader":     forgottenButDecisionKept,
	}
	for name, scene := range scenes {
		t.Run(name, scene)
	}
}

// inDoubt brings a transaction to where every site has voted and the leader's decision waits.
func inDoubt(s *scene) *client {
	s.wait("c1", appends(txn.Decisions))
	c := s.ask("c1", "t1", "a:w:1", "b:w:1")
	s.settle()
	s.must(s.prepared("a", c) && s.prepared("b", c) && !s.decided(c), "both sites are in doubt")
	return c
}

func abortMeetsWithdrawal(t *testing.T) {
	s := play(t, 1, 2)
	s.wait("b", appends(txn.Votes))
	c := s.ask("c1", "t1", "a:w:1", "b:w:1")
	s.settle()
	s.wait("c1", appends(txn.Decisions))
	s.step(s.p("c1"), txn.AbortWish{Key: c.key})
	s.step(s.p("a"), txn.Withdraw{Key: c.key})
	s.settle()
	s.must(!s.prepared("a", c) && !s.decided(c), "a has freed itself")
	s.openGate()
	s.end(c, toldAborted)
}

func withdrawalThenRestart(t *testing.T) {
	s := play(t, 1, 2)
	c := inDoubt(s)
	s.hold("c1")
	s.wait("a", finishes(txn.VerdictAbort))
	s.step(s.p("a"), txn.Withdraw{Key: c.key})
	s.settle()
	old := s.stop("a")
	s.zk.expire(old)
	s.must(s.prepared("a", c), "a has not rolled back")
	s.start("a")
	s.settle()
	s.must(!s.prepared("a", c), "the new process rolls back what was withdrawn")
	s.openGate()
	s.free()
	s.end(c, toldAborted)
}

func withdrawalBesideAPredecessor(t *testing.T) {
	s := play(t, 1, 2)
	c := inDoubt(s)
	s.hold("c1")
	s.stop("a")
	s.start("a")
	s.settle()
	s.must(len(s.zk.logs[txn.Log{Kind: txn.Votes, Participant: "a"}].live()) == 2, "two processes' votes stand")
	s.step(s.p("a"), txn.Withdraw{Key: c.key})
	s.settle()
	s.must(!s.prepared("a", c), "a has freed itself")
	s.openGate()
	s.free()
	s.end(c, toldAborted)
}

func voteQueuedOverAnExpiry(t *testing.T) {
	s := play(t, 1, 2)
	s.wait("a", appends(txn.Votes))
	c := s.ask("c1", "t1", "a:w:1", "b:w:1")
	s.settle()
	old := s.p("a")
	s.must(len(old.link.asked) > 0, "a's vote is queued")
	s.zk.expire(old.link.sess)
	s.supplant("a")
	s.hold("c1")
	old.link.held = true
	s.openGate()
	s.settle()
	s.step(s.p("a"), txn.Withdraw{Key: c.key})
	s.settle()
	s.must(!s.prepared("a", c), "the new process has freed itself")
	s.faults |= 1 << faultQueue
	for range 8 { // the queued vote runs under a session of the library's own, in one way or another
		stray := s.zk.connect()
		stray.doomed = true
		s.carryMulti(stray, old.link.asked[0].(txn.Multi))
	}
	s.free()
	s.end(c, toldAborted)
}

func oneIDTwoBodies(t *testing.T) {
	s := play(t, 2, 2)
	s.p("c1").lazy, s.p("c2").lazy = txn.Transactions, txn.Transactions
	first := s.ask("c1", "t1", "a:w:1")
	second := s.ask("c2", "t1", "b:w:1")
	s.settle()
	s.must(len(s.judge.order) == 2, "both are in the log")
	s.end(first, toldCommitted)
	s.must(second.told == toldIDReuse, "the second hears of the other body")
	s.must(len(s.sites["b"].db.marked) == 1, "only the fresh transaction is at b")
}

func zombiePreparesLate(t *testing.T) {
	s := play(t, 1, 2)
	s.wait("a", isWork)
	c := s.ask("c1", "t1", "a:w:1", "b:w:1")
	s.settle()
	s.faults |= 1 << faultLate
	var late []*call
	for i, x := range s.calls {
		if isWork(x.effect) {
			late = append(late, x)
			s.calls = append(s.calls[:i:i], s.calls[i+1:]...)
			break
		}
	}
	s.stop("a")
	s.step(s.p("c1"), txn.AbortWish{Key: c.key})
	s.openGate()
	s.start("a")
	s.settle()
	s.elapse(s.retention)
	s.must(s.decided(c) && !s.prepared("a", c), "it is aborted")
	s.calls = append(s.calls, late...)
	s.settle()
	s.must(s.prepared("a", c), "the zombie has prepared it")
	s.end(c, toldAborted)
}

func abortVoteButPrepared(t *testing.T) {
	s := play(t, 1, 2)
	s.wait("c1", appends(txn.Decisions))
	s.wait("a", isWork)
	c := s.ask("c1", "t1", "a:w:1", "b:w:1")
	s.settle()
	var work txn.Work
	for i, x := range s.calls {
		if isWork(x.effect) {
			work = x.effect.(txn.Work)
			s.calls = append(s.calls[:i:i], s.calls[i+1:]...)
			break
		}
	}
	s.step(s.p("a"), txn.Worked{Key: c.key, Ballot: txn.Abort(txn.DetailNotPrepared)})
	s.settle()
	s.sites["a"].db.prepare(work.XID, work.Prepare.Payload, noMutation) // what was taken for lost arrives
	s.hold("c1")
	s.zk.expire(s.stop("a"))
	s.start("a")
	s.settle()
	s.must(s.prepared("a", c), "nobody rolls it back for a vote")
	s.openGate()
	s.free()
	s.conclude()
	s.must(s.committed("a", c) == s.committed("b", c), "all or nothing")
}

func lostPrepareAnswer(t *testing.T) {
	s := play(t, 1, 2)
	s.wait("a", isWork)
	c := s.ask("c1", "t1", "a:w:1", "b:w:1")
	s.settle()
	for i := range s.calls {
		if isWork(s.calls[i].effect) {
			s.execute(s.calls[i])
			s.calls[i].lookup, s.calls[i].slow = true, true // its answer is lost; it will be looked up
		}
	}
	s.supplant("a")
	s.settle()
	s.end(c, toldCommitted)
}

func latePrepare(t *testing.T) {
	s := play(t, 1, 2)
	s.wait("a", isWork)
	c := s.ask("c1", "t1", "a:w:1", "b:w:1")
	s.settle()
	var late *call
	for i, x := range s.calls {
		if isWork(x.effect) {
			late = x
			s.calls = append(s.calls[:i:i], s.calls[i+1:]...)
			break
		}
	}
	s.stop("a")
	s.openGate()
	s.start("a")
	s.settle()
	s.must(s.committed("a", c) && s.committed("b", c), "it is committed by the new process")
	s.calls = append(s.calls, late)
	s.settle()
	s.must(!s.prepared("a", c), "the marker refuses the late PREPARE")
	s.end(c, toldCommitted)
}

func decisionBeforeInbox(t *testing.T) {
	s := play(t, 1, 2)
	s.p("a").lazy = txn.Inbox
	c := s.ask("c1", "t1", "a:w:1", "b:w:1")
	s.settle()
	s.must(!s.prepared("a", c), "a has not read its inbox")
	s.step(s.p("c1"), txn.AbortWish{Key: c.key})
	s.settle()
	s.must(s.decided(c), "it is aborted")
	s.p("a").lazy = 0
	s.settle()
	s.must(!s.prepared("a", c), "what was decided is not begun")
	s.end(c, toldAborted)
}

func lostCommitReadBack(t *testing.T) {
	s := play(t, 1, 2)
	c := inDoubt(s)
	s.lose("c1", true)
	s.openGate()
	p := s.p("c1")
	s.step(p, txn.AbortWish{Key: c.key})
	s.faults |= 1 << faultLag
	p.link.state = linkUp // the same session, on a server that has not seen the lost commit
	p.link.sess.view = p.link.sess.floor
	s.must(!s.zk.logs[txn.Log{Kind: txn.Decisions}].live()[0].seenAt(p.link.sess.view), "the server lags")
	s.settle()
	s.end(c, toldCommitted)
}
