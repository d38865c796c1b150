package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// prescription is one order of a drug for a patient.
type prescription struct {
	order, patient, drug string
	quantity             int
}

// fills is how often each prescription is filled: every filling is a transaction of its own.
const fills = 4

// prescriptions gives every MedicationRequest of the Synthea bundles (SYNTHEA_DIR), filled several times; where the folder is
// missing, 200 of the test's own.
func prescriptions(t *testing.T) []prescription {
	dir := os.Getenv("SYNTHEA_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data", "synthea")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Log("no Synthea bundles (SYNTHEA_DIR): 200 prescriptions of the test's own take their place")
		return made(200)
	}
	var all []prescription
	for i, f := range files {
		for n, r := range requests(t, f) {
			for fill := range fills {
				all = append(all, prescription{fmt.Sprintf("mr-%d-%d-%d", i, n, fill), r.patient, r.drug, 1 + (i+n+fill)%9})
			}
		}
	}
	t.Logf("%d prescriptions out of %d bundles, each filled %d times", len(all)/fills, len(files), fills)
	return all
}

func made(n int) []prescription {
	var all []prescription
	for i := range n {
		all = append(all, prescription{fmt.Sprintf("made-%d", i), fmt.Sprintf("patient-%d", i%31), fmt.Sprintf("%d", 100000+i%17), 1 + i%9})
	}
	return all
}

// requests reads the MedicationRequests of one bundle: the RxNorm code and the patient's id.
func requests(t *testing.T, file string) []prescription {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var bundle struct {
		Entry []struct {
			Resource struct {
				ResourceType              string
				MedicationCodeableConcept struct {
					Coding []struct{ System, Code string }
				}
				Subject struct{ Reference string }
			}
		}
	}
	if err := json.Unmarshal(text, &bundle); err != nil {
		t.Fatal(err)
	}
	var all []prescription
	for _, e := range bundle.Entry {
		r := e.Resource
		if r.ResourceType != "MedicationRequest" || len(r.MedicationCodeableConcept.Coding) == 0 {
			continue
		}
		all = append(all, prescription{
			patient: strings.TrimPrefix(r.Subject.Reference, "urn:uuid:"),
			drug:    r.MedicationCodeableConcept.Coding[0].Code,
		})
	}
	return all
}
