package participant

import (
	"fmt"
	"os"
	"sort"

	"github.com/medcommit/medcommit/txn"
)

// LoadCatalogue reads a site's list of operations from a YAML file. An unknown key is an error that names it and its line.
func LoadCatalogue(path string) (*Catalogue, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	c, err := ParseCatalogue(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return c, nil
}

// OpenCatalogue is that of an embedded store without a file: the built-in operations, and nothing else.
func OpenCatalogue() *Catalogue { return &Catalogue{Raw: true} }

// ForKind checks the catalogue against the kind of resource manager that is to execute it ("embedded", "postgres", "mysql") and
// gives the one to run with: an open embedded store's has the built-in operations too. It refuses an operation without a form for
// that kind, one whose statements or records use what is no parameter, and a catalogue that lets nobody do anything.
func (c *Catalogue) ForKind(kind string) (*Catalogue, error) {
	out := &Catalogue{Raw: c.Raw, Operations: make(map[string]*Operation, len(c.Operations)), kind: kind}
	if kind == KindEmbedded && c.Raw {
		if err := addBuiltins(out.Operations); err != nil {
			return nil, err
		}
	}
	for _, name := range sortedNames(c.Operations) {
		op := *c.Operations[name]
		op.Name = name
		if err := op.prepare(kind); err != nil {
			return nil, fmt.Errorf("%w: operation %s: %w", ErrCatalogue, name, err)
		}
		out.Operations[name] = &op
	}
	if len(out.Operations) == 0 && !out.Raw {
		return nil, fmt.Errorf("%w: it lists no operation", ErrCatalogue)
	}
	return out, nil
}

// TakesSQL tells whether clients may send statements of their own.
func (c *Catalogue) TakesSQL() bool { return c.Raw && c.kind != "" && c.kind != KindEmbedded }

// Published is what the site shows of its catalogue: names, descriptions and schemas, never SQL.
func (c *Catalogue) Published() []txn.OperationInfo {
	out := make([]txn.OperationInfo, 0, len(c.Operations))
	for _, name := range sortedNames(c.Operations) {
		op := c.Operations[name]
		out = append(out, txn.OperationInfo{
			Name: name, Description: op.Description, Parameters: op.Parameters, ReadOnly: op.ReadOnly,
		})
	}
	return out
}

// prepare compiles the operation's schema and checks what it does for kind.
func (o *Operation) prepare(kind string) error {
	if !txn.ValidName(o.Name) {
		return fmt.Errorf("its name: %w", txn.ErrBadName)
	}
	p, published, err := compileParameters(o.Parameters)
	if err != nil {
		return err
	}
	o.parameters, o.Parameters = p, published
	if kind == KindEmbedded {
		return o.checkRecords()
	}
	return o.checkStatements(kind)
}

func sortedNames(ops map[string]*Operation) []string {
	names := make([]string, 0, len(ops))
	for name := range ops {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
