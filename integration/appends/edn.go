package appends

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Line gives the operation as its line of the history, with the newline.
func (o Op) Line() string {
	var b strings.Builder
	fmt.Fprintf(&b, "{:index %d, :time %d, :type :%s, :process %d, :f :txn, :value [", o.Index, o.Time, o.Type, o.Process)
	for i, s := range o.Steps {
		if i > 0 {
			b.WriteByte(' ')
		}
		s.write(&b)
	}
	b.WriteByte(']')
	if o.ID != "" {
		fmt.Fprintf(&b, ", :id %s", quote(o.ID))
	}
	if o.Everywhere {
		b.WriteString(", :state :committed")
	}
	if o.Final {
		b.WriteString(", :final true")
	}
	if o.Error != "" {
		fmt.Fprintf(&b, ", :error %s", quote(o.Error))
	}
	b.WriteString("}\n")
	return b.String()
}

func (s Step) write(b *strings.Builder) {
	switch {
	case s.Append:
		fmt.Fprintf(b, "[:append %s %d]", quote(s.Key), s.Value)
	case !s.Known:
		fmt.Fprintf(b, "[:r %s nil]", quote(s.Key))
	default:
		fmt.Fprintf(b, "[:r %s [", quote(s.Key))
		for i, v := range s.List {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(strconv.FormatInt(v, 10))
		}
		b.WriteString("]]")
	}
}

// quote gives a string of EDN.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(s) + `"`
}

// Read reads a history, as it was written or by another hand.
func Read(r io.Reader) ([]Op, error) {
	var history []Op
	lines := bufio.NewReader(r)
	for n := 1; ; n++ {
		text, err := lines.ReadString('\n')
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("read the history: %w", err)
		}
		if strings.TrimSpace(text) != "" {
			op, bad := parse(text)
			if bad != nil {
				return nil, fmt.Errorf("%w: line %d: %w", ErrHistory, n, bad)
			}
			history = append(history, op)
		}
		if err == io.EOF {
			return history, nil
		}
	}
}
