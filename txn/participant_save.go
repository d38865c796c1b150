package txn

// saver writes the site row, one write at a time for the whole life of the process: an older row must never overwrite a newer one.
type saver struct {
	token  Token // of the write under way; zero: none
	queued bool
	write  SaveSite
	then   func(saved) // of the write under way or of the queued one; nil: nobody waits any more
}

// saved is how a write of the site row ended.
type saved uint8

const (
	savedDone   saved = iota + 1
	savedFailed       // perhaps
	savedMoved        // the row is not the one that was known: it was left as it is
)

// saveSite writes a row durably and then tells how that ended. The session has one such wish at a time.
func (p *Participant) saveSite(write SaveSite, then func(saved)) {
	p.saver.write, p.saver.then, p.saver.queued = write, then, true
	p.saveNext()
}

func (p *Participant) saveNext() {
	if p.saver.token != 0 || !p.saver.queued {
		return
	}
	p.saver.queued = false
	p.token++
	p.saver.token = p.token
	write := p.saver.write
	write.Token = p.token
	p.emit(write)
}

func (p *Participant) siteSaved(e SiteSaved) {
	if e.Token != p.saver.token {
		return
	}
	p.saver.token = 0
	if p.saver.queued { // the answer is to a session that is over
		p.saveNext()
		return
	}
	then := p.saver.then
	p.saver.then = nil
	switch {
	case then == nil:
	case e.Moved:
		then(savedMoved)
	case e.Failed:
		then(savedFailed)
	default:
		then(savedDone)
	}
}
