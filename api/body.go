package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/medcommit/medcommit/api/exactjson"
	"github.com/medcommit/medcommit/api/problem"
)

// readBody reads a JSON body of at most limit bytes. A body that says it is longer is refused before it is read.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) (any, error) {
	if err := wantJSON(r.Header); err != nil {
		return nil, err
	}
	if r.ContentLength > limit {
		return nil, tooLarge(w, limit)
	}
	text, err := readAll(http.MaxBytesReader(w, r.Body, limit), r.ContentLength)
	if err != nil {
		return nil, bodyFault(w, err, limit)
	}
	// The body is here: the time it may take no longer runs while the transaction is waited for.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	body, err := exactjson.Parse(text)
	if err != nil {
		return nil, badJSON(err)
	}
	return body, nil
}

func wantJSON(h http.Header) error {
	mediaType, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset, given := params["charset"]
	if err != nil || mediaType != jsonType || (given && !strings.EqualFold(charset, "utf-8")) {
		return problem.New(problem.UnsupportedMediaType, "send application/json")
	}
	if coding := h.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return problem.New(problem.UnsupportedMediaType, "send the body without a content encoding")
	}
	return nil
}

func readAll(body io.Reader, length int64) ([]byte, error) {
	var b bytes.Buffer
	if length > 0 {
		b.Grow(int(min(length, 1<<16)) + bytes.MinRead)
	}
	_, err := b.ReadFrom(body)
	return b.Bytes(), err
}

func bodyFault(w http.ResponseWriter, err error, limit int64) error {
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return tooLarge(w, limit)
	case errors.Is(err, errBudget):
		w.Header().Set("Connection", "close") // what is left of the body
		return later(retrySoon, problem.New(problem.TooMany, "too many large bodies are being read"))
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		return problem.New(problem.BodyTimeout, fmt.Sprintf("send the body within %s", bodyTimeout))
	}
	return problem.New(problem.BadRequest, "the body broke off")
}

func tooLarge(w http.ResponseWriter, limit int64) error {
	w.Header().Set("Connection", "close") // what is left of the body is not worth keeping: see hearOut
	_ = http.NewResponseController(w).EnableFullDuplex()
	return problem.New(problem.TooLarge, fmt.Sprintf("the limit is %d bytes", limit))
}

// hearOut sends the answer, and then lets a client that sends all its body before it reads come to the answer: closing at once
// would reset its connection instead. What is sent is thrown away, and bounded in size and, as every body, in time.
func hearOut(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Expect") != "" { // such a client waits for leave to send
		return
	}
	if http.NewResponseController(w).Flush() == nil {
		_, _ = io.CopyN(io.Discard, r.Body, hearOutBytes)
	}
}

func badJSON(err error) error {
	var e *exactjson.Error
	if !errors.As(err, &e) {
		return problem.New(problem.BadRequest, "the body cannot be read")
	}
	if errors.Is(err, exactjson.ErrMany) {
		return problem.New(problem.TooLarge, fmt.Sprintf("the limit is %d values", exactjson.MaxValues))
	}
	message := e.Err.Error()
	if errors.Is(err, exactjson.ErrSyntax) {
		message += fmt.Sprintf(" after %d bytes", e.Offset)
	}
	return problem.New(problem.BadRequest, "the body is not the JSON that is wanted", problem.Field{Location: "body" + e.Location, Message: message})
}
