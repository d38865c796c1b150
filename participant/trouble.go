package participant

import "time"

// The first pause between two lines that the database fails, which doubles, and the longest.
const (
	firstTroublePause = 2 * time.Second
	lastTroublePause  = time.Minute
)

// trouble is what the database fails at. It says when that is worth a line in the log: at once, then at growing intervals, and once
// when all of it works again. The housekeeper owns it.
type trouble struct {
	failing map[string]bool // the kinds of questions that failed when they were last asked
	since   time.Time
	next    time.Time
	pause   time.Duration
}

// fails notes that a kind of question failed, and tells whether to say so.
func (t *trouble) fails(what string, now time.Time) bool {
	if len(t.failing) == 0 {
		*t = trouble{failing: map[string]bool{}, since: now, next: now, pause: firstTroublePause}
	}
	t.failing[what] = true
	if now.Before(t.next) {
		return false
	}
	t.next = now.Add(t.pause)
	t.pause = min(2*t.pause, lastTroublePause)
	return true
}

// works notes that a kind of question was answered, and tells whether all is well again, and how long it was not.
func (t *trouble) works(what string, now time.Time) (again bool, after time.Duration) {
	if !t.failing[what] {
		return false, 0
	}
	delete(t.failing, what)
	return len(t.failing) == 0, now.Sub(t.since)
}

// asked logs how a question to the database went, as far as it is worth it.
func (p *Participant) asked(what string, err error) {
	now := time.Now()
	if err != nil {
		if p.trouble.fails(what, now) {
			p.log.Warn("database fails", "at", what, "error", err, "for", now.Sub(p.trouble.since).Round(time.Second))
		}
		return
	}
	if again, after := p.trouble.works(what, now); again {
		p.log.Info("database works again", "after", after.Round(time.Millisecond))
	}
}
