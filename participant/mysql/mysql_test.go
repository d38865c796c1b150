package mysql

import (
	"os"
	"testing"

	"github.com/medcommit/medcommit/participant/dbtest"
	"github.com/medcommit/medcommit/participant/rmtest"
)

func TestConformance(t *testing.T) {
	server := dbtest.NewMariaDB(t, nil)
	rmtest.Run(t, func(t *testing.T) rmtest.Harness { return newLab(t, server).harness() })
}

// TestConformanceExternal runs the suite on the MySQL or MariaDB server that MEDCOMMIT_TEST_MYSQL names, a resource URL of a user
// who may create databases.
func TestConformanceExternal(t *testing.T) {
	if os.Getenv("MEDCOMMIT_TEST_MYSQL") == "" {
		t.Log("MEDCOMMIT_TEST_MYSQL names no server")
		return
	}
	rmtest.Run(t, func(t *testing.T) rmtest.Harness { return externalLab(t).harness() })
}
