package txn

import (
	"testing"
	"time"
)

// lane plays one lane in which a record comes after each of the pauses given, and every multi takes as long as took says.
type lane struct {
	linger Linger
	now    time.Time
	took   time.Duration
	token  Token
	until  time.Time // the multi in flight is answered; zero: none
	queued int
	since  time.Time // the first of queued came

	batches []int
	waited  time.Duration // the longest that a record waited in a free lane
}

func play(took time.Duration, pauses ...time.Duration) *lane {
	l := &lane{now: time.Unix(1, 0), took: took}
	for _, pause := range pauses {
		l.pass(pause)
		if l.queued++; l.queued == 1 {
			l.since = l.now
		}
		l.look()
	}
	l.pass(time.Second)
	return l
}

// pass lets time go by in steps of a tenth of a millisecond.
func (l *lane) pass(d time.Duration) {
	const step = 100 * time.Microsecond
	for ; d > 0; d -= step {
		l.now = l.now.Add(min(step, d))
		if !l.until.IsZero() && !l.now.Before(l.until) {
			l.until = time.Time{}
			l.linger.Heard(MultiDone{Token: l.token}, l.now)
		}
		l.look()
	}
}

func (l *lane) look() {
	busy := !l.until.IsZero()
	if l.linger.Rest(Queue{Records: l.queued, Busy: busy, Blind: true}, l.now) > 0 || busy || l.queued == 0 {
		return
	}
	l.batches = append(l.batches, l.queued)
	l.waited = max(l.waited, l.now.Sub(l.since))
	l.token++
	l.linger.Sent(l.token, l.now)
	l.queued, l.until = 0, l.now.Add(l.took)
}

func every(pause time.Duration, n int) []time.Duration {
	pauses := make([]time.Duration, n)
	for i := range pauses {
		pauses[i] = pause
	}
	return pauses
}

func TestALoneClientDoesNotWait(t *testing.T) {
	if l := play(time.Millisecond, every(4*time.Millisecond, 200)...); l.waited > 0 || len(l.batches) != 200 {
		t.Errorf("waited %v, %d batches", l.waited, len(l.batches))
	}
}

func TestWhatALockLetsThroughDoesNotWait(t *testing.T) {
	if l := play(2*time.Millisecond, every(5*time.Millisecond, 200)...); l.waited > 0 {
		t.Errorf("waited %v", l.waited)
	}
}

func TestManyComeTogether(t *testing.T) {
	l := play(5*time.Millisecond, every(time.Millisecond, 1000)...)
	if n := len(l.batches); n > 120 { // at five to a batch, which is what comes while one is in flight, there would be 200
		t.Errorf("%d batches", n)
	}
	if l.waited > 2*lingerProposals*5*time.Millisecond {
		t.Errorf("waited %v", l.waited)
	}
}

func TestABatchGoesWhenNoMoreCome(t *testing.T) {
	var pauses []time.Duration
	for range 50 { // 40 at once, every 30 ms
		pauses = append(pauses, 30*time.Millisecond)
		pauses = append(pauses, make([]time.Duration, 39)...)
	}
	l := play(4*time.Millisecond, pauses...)
	if n := len(l.batches); n > 60 { // the first ones, before the rate was known
		t.Errorf("%d batches", n)
	}
	if l.waited > 4*time.Millisecond {
		t.Errorf("waited %v", l.waited)
	}
}

// TestALotThatComesInDribsAndDrabs has 16 clients go on together, as fast as a database lets them: their rate says little.
func TestALotThatComesInDribsAndDrabs(t *testing.T) {
	var pauses []time.Duration
	for range 50 {
		pauses = append(pauses, 40*time.Millisecond)
		pauses = append(pauses, every(300*time.Microsecond, 15)...)
	}
	l := play(2*time.Millisecond, pauses...)
	if n := len(l.batches); n > 120 {
		t.Errorf("%d batches", n)
	}
	if l.waited > lingerProposals*2*time.Millisecond {
		t.Errorf("waited %v", l.waited)
	}
}

func TestNobodyWaitsLong(t *testing.T) {
	if l := play(time.Second, every(time.Millisecond, 5000)...); l.waited > longestLinger+time.Second {
		t.Errorf("waited %v", l.waited)
	}
}

func TestOnlyTheTimedProposalCounts(t *testing.T) {
	var l Linger
	now := time.Unix(1, 0)
	l.Sent(7, now)
	l.Heard(MultiDone{Token: 6}, now.Add(time.Hour))
	l.Heard(Tick{}, now.Add(time.Hour))
	l.Sent(8, now.Add(time.Millisecond))
	l.Heard(MultiLost{Token: 7}, now.Add(4*time.Millisecond))
	if l.took != time.Millisecond {
		t.Errorf("a proposal is taken to take %v", l.took)
	}
}

// TestWhatIsKnownToComeIsWaitedFor: where the lane knows what is on its way, it waits for that, and for nothing else.
func TestWhatIsKnownToComeIsWaitedFor(t *testing.T) {
	var l Linger
	now := time.Unix(1, 0)
	for i := range 100 { // 1,000 a second, in proposals of 8 ms
		l.Sent(Token(2*i+1), now)
		l.Rest(Queue{Records: 10}, now)
		now = now.Add(8 * time.Millisecond)
		l.Heard(MultiDone{Token: Token(2*i + 1)}, now)
		now = now.Add(2 * time.Millisecond)
		l.Sent(Token(2*i+2), now)
	}
	for _, c := range []struct {
		queue Queue
		waits bool
	}{
		{Queue{Records: 8, Coming: 8}, true},
		{Queue{Records: 8, Coming: 2}, true},
		{Queue{Records: 8, Coming: 1}, false},
		{Queue{Records: 8}, false},
		{Queue{Records: 8, Coming: 8, Busy: true}, false},
		{Queue{Coming: 8}, false},
		{Queue{Records: 8, Blind: true}, true},
		{Queue{Records: 8, Coming: 1, Blind: true}, true},
	} {
		if got := l.Rest(c.queue, now); (got > 0) != c.waits {
			t.Errorf("%+v waits %v", c.queue, got)
		}
	}
}

// TestTheEndOfALotIsWaitedFor: a batch that holds more than is likely to come waits only for what comes with it.
func TestTheEndOfALotIsWaitedFor(t *testing.T) {
	l := Linger{likely: 16, took: 6 * time.Millisecond}
	now := time.Unix(1, 0)
	if got := l.Rest(Queue{Records: 40, Blind: true}, now); got != 6*time.Millisecond {
		t.Errorf("waits %v", got)
	}
	if got := l.Rest(Queue{Records: 40, Coming: 40, Blind: true}, now); got != 18*time.Millisecond {
		t.Errorf("waits %v for as many more", got)
	}
	for i := range 17 { // one each millisecond
		if at := time.Duration(i+1) * time.Millisecond; l.Rest(Queue{Records: 41 + i, Blind: true}, now.Add(at)) == 0 {
			t.Errorf("does not wait for those that come still, after %v", at)
		}
	}
	if got := l.Rest(Queue{Records: 60, Blind: true}, now.Add(18*time.Millisecond)); got != 0 {
		t.Errorf("waits %v more though they do not end", got)
	}
}
