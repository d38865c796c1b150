package participant

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/goccy/go-yaml"
)

// The shape of the file, apart from that of Catalogue, for YAML has no raw JSON and the names come from a mapping.
type catalogueFile struct {
	Raw        bool                     `yaml:"raw"`
	Operations map[string]operationFile `yaml:"operations"`
}

type operationFile struct {
	Description string          `yaml:"description"`
	Parameters  map[string]any  `yaml:"parameters"`
	ReadOnly    bool            `yaml:"read_only"`
	Statements  []statementFile `yaml:"statements"`
	Records     []recordFile    `yaml:"records"`
}

type statementFile struct {
	SQL  string `yaml:"sql"`
	Rows *int64 `yaml:"rows"`
}

type recordFile struct {
	Put    *PutRecord    `yaml:"put"`
	Delete *DeleteRecord `yaml:"delete"`
	Add    *AddRecord    `yaml:"add"`
	Check  *CheckRecord  `yaml:"check"`
}

// ParseCatalogue reads a catalogue; ForKind checks what it says.
func ParseCatalogue(data []byte) (*Catalogue, error) {
	var f catalogueFile
	dec := yaml.NewDecoder(strings.NewReader(string(data)), yaml.DisallowUnknownField())
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %s", ErrCatalogue, yamlError(err))
	}
	var more any
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: the file holds more than one document", ErrCatalogue)
	}
	c := &Catalogue{Raw: f.Raw, Operations: make(map[string]*Operation, len(f.Operations))}
	for name, o := range f.Operations {
		op, err := o.operation(name)
		if err != nil {
			return nil, fmt.Errorf("%w: operation %s: %w", ErrCatalogue, name, err)
		}
		c.Operations[name] = op
	}
	return c, nil
}

func (o operationFile) operation(name string) (*Operation, error) {
	op := &Operation{Name: name, Description: o.Description, ReadOnly: o.ReadOnly}
	if len(o.Parameters) > 0 {
		schema, err := json.Marshal(o.Parameters)
		if err != nil {
			return nil, fmt.Errorf("parameters are not JSON: %w", err)
		}
		op.Parameters = schema
	}
	for _, s := range o.Statements {
		op.Statements = append(op.Statements, Statement(s))
	}
	for _, r := range o.Records {
		op.Records = append(op.Records, Record(r))
	}
	return op, nil
}

// yamlError gives the reader's message, which begins with [line:column], on one line and without the text around it.
func yamlError(err error) string {
	first, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
	return first
}
