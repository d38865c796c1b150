package participant

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/medcommit/medcommit/txn"
)

// Calls finds the operations of a branch in the catalogue, which ForKind gave, and checks their arguments: what was published may
// have changed since the coordinator looked. tx is the transaction's id as the client knows it. An error wraps ErrCall.
func (c *Catalogue) Calls(work txn.WorkRequest, tx, participant string) ([]Call, error) {
	if len(work.Operations) == 0 {
		return nil, fmt.Errorf("%w: there is none", ErrCall)
	}
	calls := make([]Call, 0, len(work.Operations))
	for i, o := range work.Operations {
		call, err := c.call(o)
		if err != nil {
			return nil, fmt.Errorf("%w: operation %d of %d: %w", ErrCall, i+1, len(work.Operations), err)
		}
		call.Arguments[ParameterTx] = tx
		call.Arguments[ParameterParticipant] = participant
		calls = append(calls, call)
	}
	return calls, nil
}

func (c *Catalogue) call(o txn.Operation) (Call, error) {
	if o.SQL != "" {
		return c.rawCall(o)
	}
	op, ok := c.Operations[o.Name]
	if !ok {
		return Call{}, errors.New("it is not in the catalogue")
	}
	arguments, err := op.parameters.decode(o.Arguments)
	if err != nil {
		return Call{}, fmt.Errorf("%s: %w", op.Name, err)
	}
	return Call{Operation: op, Arguments: arguments}, nil
}

func (c *Catalogue) rawCall(o txn.Operation) (Call, error) {
	if !c.TakesSQL() {
		return Call{}, errors.New("this site takes no SQL")
	}
	if o.Name != "" {
		return Call{}, errors.New("it is named and SQL at once")
	}
	positional, err := positionalArguments(o.Arguments)
	if err != nil {
		return Call{}, err
	}
	return Call{
		Operation:  &Operation{Name: "sql", Raw: true, Statements: []Statement{{SQL: o.SQL, Rows: o.Rows}}},
		Arguments:  map[string]any{},
		Positional: positional,
	}, nil
}

func positionalArguments(raw json.RawMessage) ([]any, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	doc, err := decodeJSON(raw)
	if err != nil {
		return nil, err
	}
	list, ok := doc.([]any)
	if !ok {
		return nil, errArguments
	}
	out := make([]any, len(list))
	for i, v := range list {
		if out[i], err = argument(v, false); err != nil {
			return nil, err
		}
	}
	return out, nil
}
