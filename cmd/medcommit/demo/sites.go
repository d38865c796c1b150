package demo

import (
	"embed"
	"fmt"

	"github.com/medcommit/medcommit/cmd/medcommit/local"
)

//go:embed sites/*.yaml
var catalogues embed.FS

// The three sites.
const (
	emr      = "emr"
	orders   = "orders"
	pharmacy = "pharmacy"
)

// Sites gives the demo's sites with their catalogues: patients' records, medication orders, and the pharmacy.
func Sites() []local.Site {
	var sites []local.Site
	for _, name := range []string{emr, orders, pharmacy} {
		text, err := catalogues.ReadFile("sites/" + name + ".yaml")
		if err != nil {
			panic(fmt.Sprintf("demo: %v", err)) // it is compiled in
		}
		sites = append(sites, local.Site{Name: name, Catalogue: text})
	}
	return sites
}
