package appends

import (
	"errors"
	"fmt"
	"slices"
)

// parse reads one line.
func parse(text string) (Op, error) {
	v, rest, err := value(text)
	if err != nil {
		return Op{}, err
	}
	m, ok := v.(map[keyword]any)
	if !ok || space(rest) != "" {
		return Op{}, errors.New("a line holds one map")
	}
	t, _ := m["type"].(keyword)
	kind := slices.Index(types[:], string(t))
	if kind < 0 {
		return Op{}, fmt.Errorf("%q is no type", t)
	}
	if f, _ := m["f"].(keyword); f != "txn" {
		return Op{}, fmt.Errorf("%q is no function of list-append", f)
	}
	index, ok1 := m["index"].(int64)
	process, ok2 := m["process"].(int64)
	time, ok3 := m["time"].(int64)
	if !ok1 || !ok2 || !ok3 {
		return Op{}, errors.New("index, process and time are numbers")
	}
	op := Op{Index: int(index), Time: time, Type: Type(kind), Process: int(process)}
	op.ID, _ = m["id"].(string)
	op.Error, _ = m["error"].(string)
	op.Final, _ = m["final"].(bool)
	op.Everywhere = m["state"] == keyword("committed")
	steps, ok := m["value"].([]any)
	if !ok {
		return Op{}, errors.New("value is a vector of steps")
	}
	for _, s := range steps {
		step, err := stepOf(s)
		if err != nil {
			return Op{}, err
		}
		op.Steps = append(op.Steps, step)
	}
	return op, nil
}

func stepOf(v any) (Step, error) {
	parts, _ := v.([]any)
	if len(parts) != 3 {
		return Step{}, errors.New("a step is a vector of three")
	}
	key, ok := parts[1].(string)
	if !ok {
		return Step{}, errors.New("a list's key is a string")
	}
	s := Step{Key: key}
	switch parts[0] {
	case keyword("append"):
		s.Append = true
		if s.Value, ok = parts[2].(int64); !ok {
			return Step{}, errors.New("what is appended is a number")
		}
	case keyword("r"):
		if parts[2] == nil {
			return s, nil
		}
		list, ok := parts[2].([]any)
		if !ok {
			return Step{}, errors.New("what is read is a vector")
		}
		s.Known = true
		for _, e := range list {
			n, ok := e.(int64)
			if !ok {
				return Step{}, errors.New("what is in a list is a number")
			}
			s.List = append(s.List, n)
		}
	default:
		return Step{}, fmt.Errorf("%v is no step of list-append", parts[0])
	}
	return s, nil
}
