package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/medcommit/medcommit/api/problem"
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
}

// answer is what a coordinator said.
type answer struct {
	status int
	body   []byte
}

// do sends a request to one coordinator after the other until one answers it. It answers a problem as *problem.Problem.
func (c *Client) do(ctx context.Context, r request) (answer, error) {
	end := time.Now().Add(c.patience)
	for {
		a, err := c.round(ctx, r)
		pause, again := retry(err)
		if !again || ctx.Err() != nil || time.Now().Add(pause).After(end) {
			return a, err
		}
		if err := wait(ctx, pause); err != nil {
			return answer{}, err
		}
	}
}

// round asks every coordinator once, until one answers something that the others would too.
func (c *Client) round(ctx context.Context, r request) (answer, error) {
	var last error
	first := int(c.first.Load())
	for i := range c.bases {
		at := (first + i) % len(c.bases)
		a, err := c.attempt(ctx, c.bases[at], r)
		if _, again := retry(err); !again {
			c.first.Store(uint32(at))
			return a, err
		}
		if ctx.Err() != nil {
			return answer{}, ctx.Err()
		}
		last = worse(last, err)
	}
	return answer{}, last
}

// worse keeps, of the errors of a round, the one that says most: an answer says more than none.
func worse(a, b error) error {
	var p *problem.Problem
	if errors.As(a, &p) && !errors.As(b, &p) {
		return a
	}
	return b
}

func (c *Client) attempt(ctx context.Context, base string, r request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	sent, err := http.NewRequestWithContext(ctx, r.method, base+r.path, bytes.NewReader(r.body))
	if err != nil {
		return answer{}, fmt.Errorf("make request: %w", err)
	}
	for name, values := range r.header {
		sent.Header[name] = values
	}
	got, err := c.http.Do(sent)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(got.Body, maxAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return understand(got, body)
}

// understand tells an answer from a problem, and both from what some other server says.
func understand(got *http.Response, body []byte) (answer, error) {
	mediaType, _, _ := mime.ParseMediaType(got.Header.Get("Content-Type"))
	switch mediaType {
	case "application/json":
		return answer{got.StatusCode, body}, nil
	case problem.ContentType:
		p := &problem.Problem{}
		if err := json.Unmarshal(body, p); err == nil && p.Name() != problem.Unknown {
			seconds, _ := strconv.Atoi(got.Header.Get("Retry-After"))
			p.RetryAfter = time.Duration(seconds) * time.Second
			return answer{got.StatusCode, body}, p
		}
	}
	return answer{}, fmt.Errorf("%w: status %d", ErrAnswer, got.StatusCode)
}

// retry tells whether an error may pass by itself or at another coordinator, and how long to wait for that.
func retry(err error) (pause time.Duration, again bool) {
	var p *problem.Problem
	switch {
	case errors.As(err, &p):
		return max(p.RetryAfter, 100*time.Millisecond), p.Name() == problem.Unavailable || p.Name() == problem.TooMany
	case errors.Is(err, ErrUnreachable):
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
		return v, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return v, decode(a, &v)
}

func decode(a answer, v any) error {
	if err := json.Unmarshal(a.body, v); err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return nil
}
