package zkcoord

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// connectAgain is the time between two tries to connect to the leader, and how soon a new leader is noticed.
	connectAgain = 50 * time.Millisecond
	// answerWithin is how long the leader's end may be silent before its answer; silence says nothing.
	answerWithin = time.Second
)

// sighting is what one try to connect to the leader showed.
type sighting uint8

const (
	sawNothing sighting = iota // silence, or not leading (yet): it says nothing
	sawLeader                  // the connection stood, and broke
	sawNobody                  // refused or reset, or another process answers
)

// watchLeader keeps a connection to the leader while another leads. Where it breaks and cannot be made again, the process is gone,
// and the next in line need not wait until its session times out.
func (c *Coordinator) watchLeader(ctx context.Context) {
	for ctx.Err() == nil {
		r := c.roster.Load()
		if r.leaderURL != "" && !r.leads(c.cfg.ID) {
			c.watchTerm(ctx, r.leaderURL, r.leaderNonce)
		}
		sleep(ctx, connectAgain)
	}
}

// watchTerm watches one leader until another leads, or none.
func (c *Coordinator) watchTerm(ctx context.Context, url, nonce string) {
	ctx, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	group.Go(func() {
		defer stop()
		for ctx.Err() == nil && c.roster.Load().leaderNonce == nonce {
			sleep(ctx, connectAgain)
		}
	})
	process := "" // once a connection stood
	for ctx.Err() == nil {
		saw, by := c.sightLeader(ctx, url, nonce, process)
		switch {
		case ctx.Err() != nil:
		case saw == sawLeader:
			process = by
			continue // at once: is it there?
		case saw == sawNobody:
			c.box.put(letter{call: func() { c.leaderDied(nonce) }})
		}
		sleep(ctx, connectAgain)
	}
}

// sightLeader connects to the leader, and stays connected while it can.
func (c *Coordinator) sightLeader(ctx context.Context, url, nonce, process string) (sighting, string) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	patience := time.AfterFunc(answerWithin, stop)
	defer patience.Stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+LeaderPath, nil)
	if err != nil {
		return sawNothing, ""
	}
	response, err := c.cfg.Client.Do(request)
	if err != nil {
		if gone(err) {
			return sawNobody, ""
		}
		return sawNothing, ""
	}
	defer response.Body.Close()
	by := response.Header.Get(processHeader)
	if process != "" && by != "" && by != process {
		return sawNobody, ""
	}
	body := bufio.NewReader(response.Body)
	answered, err := body.ReadString('\n')
	if response.StatusCode != http.StatusOK || err != nil || strings.TrimSpace(answered) != nonce || !patience.Stop() {
		return sawNothing, ""
	}
	c.box.put(letter{call: func() { c.leaderSeen(nonce) }})
	// However it ends, whether the process is gone shows when the connection is made again.
	_, _ = io.Copy(io.Discard, body)
	if ctx.Err() != nil {
		return sawNothing, ""
	}
	return sawLeader, by
}

// gone tells whether err says that nobody is there: refused or reset, not silence.
func gone(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// leaderDied is called while the process of the leader with that nonce is seen to be gone. It counts only where a connection to it
// stood.
func (c *Coordinator) leaderDied(nonce string) {
	if c.sighted != nonce || c.roster.Load().leaderNonce != nonce || c.epoch != 0 {
		return
	}
	if c.leaderGone.IsZero() {
		c.leaderGone = time.Now()
		c.log.Info("leader's process is gone", "leader", c.roster.Load().leader)
	}
	c.election.takeOver(nonce)
}

// leaderSeen is called when the connection to the leader stands.
func (c *Coordinator) leaderSeen(nonce string) {
	c.sighted = nonce
	if c.roster.Load().leaderNonce == nonce {
		c.leaderGone = time.Time{}
	}
}
