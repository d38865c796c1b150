package txn

import (
	"strconv"
	"strings"
)

// prune drops what was read and is not listed any more: the leader retires and forgets, and deletions are not followed. What is
// gone from the live logs is in history, which is read to its end before it is dropped: an id is never without its meaning.
func (c *Coordinator) prune(then func()) {
	if len(c.submit.unread) > 0 {
		c.readToEnd(transactionsLog, func() {})
	}
	c.gone(transactionsLog, c.index.knownPlaces(Transactions, c.index.tsegs.places), func(submissions []Pos) {
		c.gone(decisionsLog, c.index.knownPlaces(Decisions, c.index.dsegs.places), func(decisions []Pos) {
			c.gone(historyLog, c.index.knownPlaces(History, c.index.chapters.places), func(chapters []Pos) {
				c.readToEnd(historyLog, func() {
					each(submissions, c.dropUnseen)
					each(decisions, c.index.dropDecisions)
					each(chapters, c.index.dropChapter)
					each(submissions, func(pos Pos) { c.nowReadable(Transactions, pos) })
					each(decisions, func(pos Pos) { c.nowReadable(Decisions, pos) })
					each(chapters, func(pos Pos) { c.nowReadable(History, pos) })
					then()
				})
			})
		})
	})
}

// dropUnseen forgets a submissions' entry that is gone. Those of its transactions whose decision was gone before it was read are
// said to have changed: who waits for one finds it by its id.
func (c *Coordinator) dropUnseen(pos Pos) {
	var unseen []Key
	for _, k := range c.index.tsegs.at[pos].keys {
		if c.index.txs[k].decision == nil {
			unseen = append(unseen, k)
		}
	}
	c.index.dropSubmissions(pos)
	for _, k := range unseen {
		c.emit(Changed{Key: k})
	}
}

func each(places []Pos, f func(Pos)) {
	for _, p := range places {
		f(p)
	}
}

// gone gives those of the entries read so far that are not listed in their generations any more.
func (c *Coordinator) gone(log Log, places func() []Pos, then func([]Pos)) {
	c.goneFrom(log, places(), nil, then)
}

func (c *Coordinator) goneFrom(log Log, known, found []Pos, then func([]Pos)) {
	if len(known) == 0 {
		then(found)
		return
	}
	gen := known[0].Gen
	c.ask(func(t Token) Effect { return ListNode{Token: t, Path: log.GenerationPath(gen)} }, func(e Event) {
		listed, _ := e.(NodeListed)
		there := map[int32]bool{}
		for _, name := range listed.Children {
			n, err := strconv.ParseInt(strings.TrimPrefix(name, log.Prefix()), 10, 32)
			if err == nil {
				there[int32(n)] = true
			}
		}
		for len(known) > 0 && known[0].Gen == gen {
			if !there[known[0].Num] {
				found = append(found, known[0])
			}
			known = known[1:]
		}
		c.goneFrom(log, known, found, then)
	})
}
