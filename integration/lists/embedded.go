package lists

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/medcommit/medcommit/txn"
)

// EmbeddedOperations are the operations of the catalogue of a site on the embedded store, to stand under "operations:".
const EmbeddedOperations = `
  begin-list:
    description: begins a list with its first element
    parameters: {type: object, required: [list, elements], properties: {list: {type: string}, elements: {type: string}}}
    records:
      - put: {key: "lists/{list}", value: {elements: "{elements}"}, if_absent: true}
  append-after:
    description: puts a longer list in the place of the version that was seen
    parameters:
      type: object
      required: [list, version, elements]
      properties: {list: {type: string}, version: {type: integer}, elements: {type: string}}
    records:
      - put: {key: "lists/{list}", value: {elements: "{elements}"}, if_version: "{version}"}
`

// Embedded is a site on the embedded store, read at its participant's listener.
type Embedded struct {
	HTTP *http.Client
	// URL is the listener's.
	URL string
}

var _ Site = Embedded{}

// Look reads one record after the other, each at its own moment: look at one list at a time.
func (e Embedded) Look(ctx context.Context, names []string) ([]List, error) {
	found := make([]List, len(names))
	for i, name := range names {
		var err error
		if found[i], err = e.look(ctx, name); err != nil {
			return nil, fmt.Errorf("look at lists: %w", err)
		}
	}
	return found, nil
}

func (e Embedded) look(ctx context.Context, name string) (List, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.URL+"/v1/records/lists/"+name, nil)
	if err != nil {
		return List{}, err
	}
	res, err := e.HTTP.Do(req)
	if err != nil {
		return List{}, err
	}
	defer res.Body.Close()
	var record struct {
		Key     string
		Value   struct{ Elements string }
		Version int64
	}
	switch err := json.NewDecoder(res.Body).Decode(&record); {
	case err != nil:
		return List{}, err
	case res.StatusCode == http.StatusNotFound:
		return List{}, nil
	case res.StatusCode != http.StatusOK || record.Key != "lists/"+name:
		return List{}, fmt.Errorf("status %s", res.Status)
	}
	elements, err := parse(record.Value.Elements)
	return List{elements, record.Version}, err
}

// Blind is not to be had: no operation of the store depends on what is there.
func (e Embedded) Blind(string, int64) (txn.Operation, bool) { return txn.Operation{}, false }

// After puts the longer list, or begins one.
func (e Embedded) After(name string, seen List, v int64) txn.Operation {
	elements := text(append(append([]int64{}, seen.Elements...), v)...)
	if seen.version == 0 {
		return operation("begin-list", map[string]any{"list": name, "elements": elements})
	}
	return operation("append-after", map[string]any{"list": name, "version": seen.version, "elements": elements})
}
