package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/medcommit/medcommit/txn"
)

// What -o takes.
const (
	outputText = "text"
	outputJSON = "json"
)

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// colour is how a word is shown on a terminal.
type colour uint8

const (
	plain colour = iota
	green
	red
	yellow
)

var _ fmt.Stringer = plain

// String gives the terminal's code of the colour.
func (c colour) String() string { return [...]string{"0", "32", "31", "33"}[c] }

// screen writes text, in colours where it is a terminal and NO_COLOR is not set.
type screen struct {
	io.Writer
	colours bool
}

func newScreen(w io.Writer) screen {
	return screen{w, os.Getenv("NO_COLOR") == "" && isTerminal(w)}
}

// isTerminal tells whether a person is at the other end of a stream.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (s screen) paint(c colour, text string) string {
	if !s.colours || c == plain {
		return text
	}
	return "\x1b[" + c.String() + "m" + text + "\x1b[0m"
}

// cell is one field of a table.
type cell struct {
	text   string
	colour colour
}

// table writes rows in columns as wide as they need be. The first row is the heading.
func (s screen) table(heading []string, rows [][]cell) {
	widths := make([]int, len(heading))
	for i, h := range heading {
		widths[i] = len(h)
	}
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	top := make([]cell, len(heading))
	for i, h := range heading {
		top[i].text = h
	}
	for _, row := range append([][]cell{top}, rows...) {
		fmt.Fprintln(s, s.line(widths, row))
	}
}

// line joins the cells of a row, each filled up to its width.
func (s screen) line(widths []int, row []cell) string {
	var b strings.Builder
	for i, c := range row {
		b.WriteString(s.paint(c.colour, c.text))
		if i < len(row)-1 {
			b.WriteString(strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(c.text))+2))
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// clock shows a moment in the reader's time zone; "-" where there is none.
func clock(t *txn.Moment) string {
	if t == nil || t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05.000")
}

// orDash shows that there is nothing.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// statusLine is a line that is written over by the next one, and nothing where w is no terminal.
type statusLine struct {
	w    io.Writer
	text string
}

func newStatusLine(w io.Writer) *statusLine {
	if !isTerminal(w) {
		w = io.Discard
	}
	return &statusLine{w: w}
}

func (l *statusLine) show(text string) {
	if text != l.text {
		l.text = text
		fmt.Fprint(l.w, "\r\x1b[K"+text)
	}
}

func (l *statusLine) clear() {
	if l.text != "" {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}
