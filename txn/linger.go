package txn

import "time"

// Linger is for how long one lane's batch waits for more before it is sent. A proposal costs ZooKeeper as much as dozens of records in
// it, and all that follows from one follows for the whole batch. So a batch waits for as long as a few proposals take now, which is
// longer the more there is to do, and no longer than records keep coming; but only where some came so soon after a first one lately: a lone
// client does not wait for others, nor does work that a lock lets through one by one. What was submitted together mostly goes on
// together and had better not be delayed for the sake of a few: a batch that holds more than is likely to come waits only until no
// more come with it, and one that knows what is on its way not at all where that is little, or nothing.
//
// The zero value is ready for use. It belongs to one goroutine.
type Linger struct {
	took time.Duration // a proposal, lately

	likely  float64       // records that come within a span after a first one, by those of late
	begun   time.Time     // when the span that is counted began; zero: with the next record
	span    time.Duration // as long as a batch would wait then
	counted int           // records in it behind the first

	held  int       // records in the batch at the last look
	first time.Time // when the batch's first record was seen
	last  time.Time // when its last one was

	timed Token     // the proposal that is being timed; zero: none
	sent  time.Time // when it was sent
}

// Queue is what waits in a lane for Flush.
type Queue struct {
	Records int
	Busy    bool // nothing of the lane can be sent now
	Coming  int  // records that are on their way to the lane
	Blind   bool // more may come than is known to be on its way
}

// Join is for where no more come before others of the lane are decided. The smaller part then waits for the others, whose decision brings
// the next, and so joins them; the greater one does not, or both would wait for each other in turn.
func (q *Queue) Join(others int) {
	if q.Records < others {
		q.Coming, q.Blind = others, true
	}
}

// Hold names the lanes that Flush is to leave alone.
type Hold struct{ Submissions, Decisions, Votes bool }

const (
	fewRecords     = 3 // are not worth waiting for
	longestLinger  = 20 * time.Millisecond
	shortestLinger = time.Millisecond // that is counted for
	// A batch waits lingerProposals times as long as a proposal takes, from its first record on, and a lingerGap-th of that, about one
	// proposal, after its last; where as many again are likely to come, until a few had time to.
	lingerProposals = 3
	lingerGap       = 3
	// comingShare is the share of a batch that must be known to be on its way: a fourth part.
	comingShare = 4
)

// Sent notes that the batch was sent in the multi t.
func (l *Linger) Sent(t Token, now time.Time) {
	l.held = 0
	if l.timed == 0 {
		l.timed, l.sent = t, now
	}
}

// Heard notes the answer to a multi that was sent; other events are ignored.
func (l *Linger) Heard(e Event, now time.Time) {
	var t Token
	switch e := e.(type) {
	case MultiDone:
		t = e.Token
	case MultiFailed:
		t = e.Token
	case MultiLost:
		t = e.Token
	}
	if l.timed == 0 || t != l.timed {
		return
	}
	l.timed = 0
	l.took += (now.Sub(l.sent) - l.took) / 4
}

// Rest is for how long a batch had better wait still; zero: it is to be sent where the lane is free.
func (l *Linger) Rest(q Queue, now time.Time) time.Duration {
	most := min(lingerProposals*l.took, longestLinger)
	l.count(q.Records, most, now)
	if q.Busy || q.Records == 0 || l.likely < fewRecords {
		return 0
	}
	if !q.Blind && comingShare*q.Coming < q.Records {
		return 0
	}
	gap := most / lingerGap
	switch {
	case q.Coming >= q.Records:
		gap = most
	case !q.Blind, l.likely >= float64(q.Records): // else most have come, and what comes with them is waited for
		gap = max(gap, time.Duration(fewRecords/l.likely*float64(most)))
	}
	return max(min(l.first.Add(most).Sub(now), l.last.Add(gap).Sub(now)), 0)
}

// count takes the records that came since the last look.
func (l *Linger) count(records int, most time.Duration, now time.Time) {
	if !l.begun.IsZero() && now.Sub(l.begun) >= l.span {
		l.likely += (float64(l.counted) - l.likely) / 4
		l.begun = time.Time{}
	}
	came, first := records-l.held, l.held == 0
	l.held = records
	if came <= 0 {
		return
	}
	if l.last = now; first {
		l.first = now
	}
	if l.begun.IsZero() {
		l.begun, l.span, l.counted = now, max(most, shortestLinger), -1
	}
	l.counted += came
}
