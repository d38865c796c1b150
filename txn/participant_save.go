package txn

// saver writes the site row, one write at a time for the whole life of the process: an older row must never overwrite a newer one.
type saver struct {
	token  Token // of the write under way; zero: none
	queued bool
	row    SiteRow
	then   func(ok bool) // of the write under way or of the queued one; nil: nobody waits any more
}

// saveSite writes row durably and then tells whether it is. The session has one such wish at a time.
func (p *Participant) saveSite(row SiteRow, then func(ok bool)) {
	p.saver.row, p.saver.then, p.saver.queued = row, then, true
	p.saveNext()
}

func (p *Participant) saveNext() {
	if p.saver.token != 0 || !p.saver.queued {
		return
	}
	p.saver.queued = false
	p.token++
	p.saver.token = p.token
	p.emit(SaveSite{Token: p.token, Row: p.saver.row})
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
	if then != nil {
		then(!e.Failed)
	}
}
