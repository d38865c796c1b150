package txn

// The logs that every coordinator follows.
var (
	transactionsLog = Log{Kind: Transactions}
	decisionsLog    = Log{Kind: Decisions}
	historyLog      = Log{Kind: History}
)

// sessionUp begins anew: what an earlier session read is discarded. A write of one's own comes before the reading, so that what is
// then not there is surely not there (R6).
func (c *Coordinator) sessionUp() {
	c.discard()
	c.session = true
	c.emit(WatchNode{Path: HorizonPath})
	c.emit(Follow{Log: transactionsLog})
	c.emit(Follow{Log: decisionsLog})
	c.emit(Follow{Log: historyLog})
	c.touch(func() {
		c.readAll(func() {
			c.synced = true
			c.pruned = c.now
			c.emit(Synced{})
			c.settleLost()
		})
	})
}

func (c *Coordinator) sessionLost() {
	led := c.lead != nil
	c.discard()
	c.failUnsent()
	if led {
		c.emit(Deposed{})
	}
}

// touch completes a write of one's own on this session: a multi of checks alone passes through the quorum too, also when it fails.
func (c *Coordinator) touch(then func()) {
	c.ask(func(t Token) Effect { return ReadNode{Token: t, Path: HorizonPath} }, func(e Event) {
		n, _ := e.(NodeRead)
		c.multiHere([]Op{{Kind: OpCheck, Path: HorizonPath, Version: n.Version}}, func(r multiResult) {
			if r.done || r.failed {
				then()
				return
			}
			c.touch(then)
		})
	})
}

// readAll reads the three logs to their ends, one after the other and history last: a transaction moves from the first two into
// history, so that reading history first could miss it in all three.
func (c *Coordinator) readAll(then func()) {
	c.readToEnd(transactionsLog, func() {
		c.readToEnd(decisionsLog, func() {
			c.readToEnd(historyLog, then)
		})
	})
}

// node takes a node's content: the watched ones, and answers.
func (c *Coordinator) node(n NodeRead) {
	if n.Token != 0 {
		c.read(n.Token, n)
		return
	}
	if !c.session {
		return
	}
	if n.Path == HorizonPath {
		c.horizon = max(c.horizon, n.Version)
		return
	}
	c.appliedRead(n)
}

// entries takes what was read of a followed log.
func (c *Coordinator) entries(e Entries) {
	if !c.session {
		return
	}
	for _, entry := range e.Entries {
		c.reachGeneration(e.Log, entry.Pos.Gen)
		if k := e.Log.Kind; k <= History && c.tops[k].Before(entry.Pos) {
			c.tops[k] = entry.Pos
		}
		switch e.Log.Kind {
		case Transactions:
			c.readSubmissions(entry)
			c.submissionsRead(entry.Pos.Next())
		case Decisions:
			c.readDecisions(entry)
		case History:
			c.readHistory(entry)
		case Votes:
			c.readVotes(e.Log.Participant, entry)
		}
	}
}
