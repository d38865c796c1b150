package lists

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/medcommit/medcommit/txn"
)

// Site is one site's lists. It may be used by many at once.
type Site interface {
	// Look gives what the site has committed of lists, in one query at one moment where the site can. A list that nobody has
	// appended to yet is empty.
	Look(ctx context.Context, names []string) ([]List, error)
	// Blind gives the operation that appends v to the list whatever is in it; false where the site has none.
	Blind(name string, v int64) (txn.Operation, bool)
	// After gives the operation that appends v to the list, and is refused where the list is not what was seen.
	After(name string, seen List, v int64) txn.Operation
}

// List is a list as it was seen.
type List struct {
	Elements []int64
	version  int64 // of the record, on the embedded store; 0 where there is none
}

// text gives elements as the sites keep them, each followed by a blank.
func text(elements ...int64) string {
	var b strings.Builder
	for _, v := range elements {
		b.WriteString(strconv.FormatInt(v, 10))
		b.WriteByte(' ')
	}
	return b.String()
}

// parse reads what text gave.
func parse(s string) ([]int64, error) {
	var elements []int64
	for _, word := range strings.Fields(s) {
		v, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read a list: %w", err)
		}
		elements = append(elements, v)
	}
	return elements, nil
}

// operation names one of the catalogue's with its arguments, which are text but for numbers.
func operation(name string, arguments map[string]any) txn.Operation {
	b, err := json.Marshal(arguments)
	if err != nil {
		panic(fmt.Sprintf("lists: write arguments: %v", err))
	}
	return txn.Operation{Name: name, Arguments: b}
}
