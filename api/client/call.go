package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/medcommit/medcommit/api/problem"
	"github.com/medcommit/medcommit/txn"
)

// answerTimeout is how long a coordinator may take to answer a call that waits for nothing.
const answerTimeout = 10 * time.Second

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 20

// request is one call, as often as it is sent.
type request struct {
	method  string
	path    string // with the query
	body    []byte
	header  http.Header
	timeout time.Duration // of one attempt
	once    bool          // not sent again where the answer was lost
}

// answer is what a coordinator said.
type answer struct {
	status int
	body   []byte
	leader string // the URL of the coordinator that leads, where that is another
}

// do sends a request to one coordinator after the other until one answers it. It answers a problem as *problem.Problem.
func (c *Client) do(ctx context.Context, r request) (answer, error) {
	end := time.Now().Add(c.patience)
	var last error
	for impatient := true; ; impatient = false {
		a, err := c.round(ctx, r, impatient, &last)
		pause, again := r.retry(err)
		if !again {
			return a, err
		}
		if time.Now().Add(pause).After(end) {
			return answer{}, last
		}
		if err := wait(ctx, pause); err != nil {
			return answer{}, worse(last, err)
		}
	}
}

// round asks every coordinator once, until one answers something that the others would too. last is the worst of all errors so far.
// The impatient round leaves a silent coordinator early where there is another one to ask; what it leaves too early, because all are
// slow, the last one of it and the later rounds wait for.
func (c *Client) round(ctx context.Context, r request, impatient bool, last *error) (answer, error) {
	first := int(c.first.Load())
	var err error
	for i := range c.bases {
		at := (first + i) % len(c.bases)
		var a answer
		a, err = c.attempt(ctx, c.bases[at], r, impatient && !r.once && i+1 < len(c.bases))
		if _, again := r.retry(err); !again {
			c.askNext(at, a.leader)
			return a, err
		}
		*last = worse(*last, err)
		if ctx.Err() != nil {
			break
		}
		if errors.Is(err, ErrUnreachable) || errors.Is(err, ErrLost) {
			c.failed.Store(c.bases[at], time.Now())
		}
	}
	return answer{}, err
}

// avoidFor is for how long a coordinator that gave no answer is not asked first for being the leader: others may reach it.
const avoidFor = 30 * time.Second

// askNext has the next call ask the coordinator at first, or the leader where that is another one and among those that were named.
func (c *Client) askNext(at int, leader string) {
	if i := slices.Index(c.bases, strings.TrimSuffix(leader, "/")); i >= 0 && !c.stay && !c.avoids(c.bases[i]) {
		at = i
	}
	c.first.Store(uint32(at))
}

func (c *Client) avoids(base string) bool {
	failed, _ := c.failed.Load(base)
	at, ever := failed.(time.Time)
	return ever && time.Since(at) < avoidFor
}

// worse gives the error that says more of what may have been done: a lost answer, then the latest problem.
func worse(a, b error) error {
	rank := func(err error) int {
		var p *problem.Problem
		switch {
		case err == nil:
			return 0
		case errors.Is(err, ErrLost):
			return 3
		case errors.As(err, &p):
			return 2
		}
		return 1
	}
	if rank(a) > rank(b) {
		return a
	}
	return b
}

// attempt sends a request to one coordinator; an impatient one ends when that falls silent.
func (c *Client) attempt(ctx context.Context, base string, r request, impatient bool) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	if impatient {
		var leave context.CancelFunc
		ctx, leave = c.whileItLives(ctx, base)
		defer leave()
	}
	sent, err := http.NewRequestWithContext(ctx, r.method, base+r.path, bytes.NewReader(r.body))
	if err != nil {
		return answer{}, fmt.Errorf("make request: %w", err)
	}
	for name, values := range r.header {
		sent.Header[name] = values
	}
	got, err := c.http.Do(sent)
	if err != nil {
		return answer{}, unanswered(ctx, err)
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(got.Body, maxAnswer))
	if err != nil {
		return answer{}, unanswered(ctx, err)
	}
	return understand(got, body)
}

// unanswered tells a connection that could not be made from an answer that did not come.
func unanswered(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errSilent) {
		return fmt.Errorf("%w: %w", ErrLost, errSilent)
	}
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err // without the URL: the address is in it again
	}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return fmt.Errorf("%w: %w", ErrLost, err)
}

// understand tells an answer from a problem, and both from what some other server says.
func understand(got *http.Response, body []byte) (answer, error) {
	mediaType, _, _ := mime.ParseMediaType(got.Header.Get("Content-Type"))
	a := answer{got.StatusCode, body, got.Header.Get(txn.LeaderHeader)}
	switch mediaType {
	case "application/json":
		return a, nil
	case problem.ContentType:
		p := &problem.Problem{}
		if err := json.Unmarshal(body, p); err == nil && p.Name() != problem.Unknown {
			seconds, _ := strconv.Atoi(got.Header.Get("Retry-After"))
			p.RetryAfter = time.Duration(seconds) * time.Second
			return a, p
		}
	}
	return answer{}, fmt.Errorf("%w: status %d", ErrAnswer, got.StatusCode)
}

// retry tells whether an error may pass by itself or at another coordinator, and how long to wait for that.
func (r *request) retry(err error) (pause time.Duration, again bool) {
	var p *problem.Problem
	switch {
	case errors.As(err, &p):
		// A participant that is not ready may be one that is restarted.
		again = p.Name() == problem.Unavailable || p.Name() == problem.ParticipantUnavailable || p.Name() == problem.TooMany
		return max(p.RetryAfter, 100*time.Millisecond), again
	case errors.Is(err, ErrUnreachable), errors.Is(err, ErrLost) && !r.once:
		return 200 * time.Millisecond, true
	}
	return 0, false
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read asks for a value of type T.
func read[T any](ctx context.Context, c *Client, method, path string) (T, error) {
	var v T
	a, err := c.do(ctx, request{method: method, path: path, timeout: answerTimeout})
	if err != nil {
		name, _, _ := strings.Cut(path, "?")
		return v, fmt.Errorf("ask for %s: %w", name, err)
	}
	return v, decode(a, &v)
}

func decode(a answer, v any) error {
	if err := json.Unmarshal(a.body, v); err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return nil
}
