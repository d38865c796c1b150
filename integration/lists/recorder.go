package lists

import (
	"bufio"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/medcommit/medcommit/integration/appends"
)

// Recorder writes a history down, each line at the moment it happens.
type Recorder struct {
	mu      sync.Mutex
	out     *bufio.Writer
	err     error
	began   time.Time
	history []appends.Op
	process int
}

// NewRecorder writes to out, at the latest when History is asked for.
func NewRecorder(out io.Writer) *Recorder {
	return &Recorder{out: bufio.NewWriter(out), began: time.Now()}
}

// client gives a process that nobody was before.
func (r *Recorder) client() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.process++
	return r.process - 1
}

func (r *Recorder) note(op appends.Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	op.Index, op.Time = len(r.history), time.Since(r.began).Nanoseconds()
	r.history = append(r.history, op)
	if _, err := r.out.WriteString(op.Line()); err != nil && r.err == nil {
		r.err = fmt.Errorf("write the history: %w", err)
	}
}

// History gives what was written until now, and an error where not all of it is in the file.
func (r *Recorder) History() ([]appends.Op, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.out.Flush(); err != nil && r.err == nil {
		r.err = fmt.Errorf("write the history: %w", err)
	}
	return r.history[:len(r.history):len(r.history)], r.err
}
