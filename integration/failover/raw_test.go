package failover

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"syscall"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// raw is a client that tries nothing again.
type raw struct {
	http   http.Client
	url    string
	reused bool // the last request went over a connection that had served another one
}

func (r *rig) raw(at string) *raw {
	return &raw{http: http.Client{Transport: &http.Transport{}}, url: r.url(at)}
}

// refused tells whether err says that nobody takes connections any more: one that was made while the listener was closed is ended before
// anybody reads from it.
func (c *raw) refused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || !c.reused && errors.Is(err, syscall.ECONNRESET)
}

// post hands a transaction in, and gives the answer's status.
func (c *raw) post(request txn.Request) (status int, t txn.Transaction, err error) {
	body, err := json.Marshal(request)
	if err != nil {
		return 0, t, err
	}
	traced := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		GotConn: func(conn httptrace.GotConnInfo) { c.reused = conn.Reused },
	})
	req, err := http.NewRequestWithContext(traced, http.MethodPost, c.url+"/v1/transactions?wait=decision", bytes.NewReader(body))
	if err != nil {
		return 0, t, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return 0, t, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, t, err
	}
	if res.StatusCode == http.StatusOK || res.StatusCode == http.StatusAccepted {
		err = json.Unmarshal(text, &t)
	}
	return res.StatusCode, t, err
}

const clock = "15:04:05.000"

// crowd is raw clients of one coordinator that go on until it takes no connections any more.
type crowd struct {
	group sync.WaitGroup

	mu       sync.Mutex
	statuses map[int]int
	strange  []error // what no client of a coordinator that stops in order is to see
}

func (r *rig) crowd(at string, clients int, names ...string) *crowd {
	c := &crowd{statuses: map[int]int{}}
	for i := range clients {
		one := r.raw(at)
		c.group.Go(func() {
			for n := 0; ; n++ {
				pause(context.Background())
				sent := time.Now()
				status, _, err := one.post(request(fmt.Sprintf("raw-%d-%d", i, n), names...))
				if one.refused(err) {
					return
				}
				c.mu.Lock()
				c.statuses[status]++
				if err != nil {
					c.strange = append(c.strange, fmt.Errorf("request %d, sent at %s and answered at %s, on a connection used before (%v): %w",
						n, sent.Format(clock), time.Now().Format(clock), one.reused, err))
				}
				c.mu.Unlock()
			}
		})
	}
	return c
}

// answers counts those with that status.
func (c *crowd) answers(status int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.statuses[status]
}
