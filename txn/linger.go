package txn

import "time"

// Linger is for how long one lane's batch waits for more before it is sent. A proposal costs ZooKeeper as much as dozens of records in
// it, and all that follows from one follows for the whole batch. So a batch waits for as long as proposals take now, which is longer
// the more there is to do, and no longer than records keep coming; but only where the rate at which they came lately promises some: a
// lone client does not wait for others, nor does work that a lock lets through one by one. What was submitted together mostly goes on
// together and had better not be delayed for the sake of a few: a batch that holds more than is likely to come waits only until no
// more come with it, and one that knows what is on its way not at all where that is little, or nothing.
//
// The zero value is ready for use. It belongs to one goroutine.
type Linger struct {
	rate    float64       // records a second that came lately
	took    time.Duration // a proposal, lately
	counted int           // records since counting began
	since   time.Time     // when that was

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

// Hold names the lanes that Flush is to leave alone.
type Hold struct{ Submissions, Decisions, Votes bool }

const (
	rateOver      = 50 * time.Millisecond // is measured
	fewRecords    = 3                     // are not worth waiting for
	longestLinger = 20 * time.Millisecond
	// A batch waits lingerProposals times as long as a proposal takes, from its first record on, and a lingerGap-th of that after its
	// last; where as many again are likely to come, until a few had time to.
	lingerProposals = 2
	lingerGap       = 4
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
	l.count(q.Records, now)
	most := min(lingerProposals*l.took, longestLinger)
	likely := l.rate * most.Seconds()
	if q.Busy || q.Records == 0 || likely < fewRecords {
		return 0
	}
	if !q.Blind && comingShare*q.Coming < q.Records {
		return 0
	}
	gap := most / lingerGap
	if !q.Blind || likely >= float64(q.Records) { // else most have come, and what comes with them is waited for
		gap = max(gap, time.Duration(fewRecords/l.rate*float64(time.Second)))
	}
	return max(min(l.first.Add(most).Sub(now), l.last.Add(gap).Sub(now)), 0)
}

// count takes the records that came since the last look.
func (l *Linger) count(records int, now time.Time) {
	if records > l.held {
		if l.held == 0 {
			l.first = now
		}
		l.last = now
		l.counted += records - l.held
	}
	l.held = records
	if took := now.Sub(l.since); took >= rateOver {
		l.rate = (l.rate + float64(l.counted)/took.Seconds()) / 2
		l.counted, l.since = 0, now
	}
}
