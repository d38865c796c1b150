package mysql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
)

func TestErrorsHoldNoValues(t *testing.T) {
	said := &mysql.MySQLError{Number: 1062, SQLState: [5]byte{'2', '3', '0', '0', '0'}, Message: "Duplicate entry 'Jane Doe' for key"}
	err := fmt.Errorf("work: %w", clean(fmt.Errorf("driver: %w", said)))
	if strings.Contains(err.Error(), "Jane") || number(err) != 1062 {
		t.Errorf("number %d of: %v", number(err), err)
	}
}

func TestDetails(t *testing.T) {
	for want, numbers := range map[txn.Detail][]uint16{
		txn.DetailRows:                {1649},
		txn.DetailDeadlock:            {1213, 1614},
		txn.DetailLockTimeout:         {1205, 1613, 3572},
		txn.DetailSerialization:       {1020},
		txn.DetailConstraint:          {1062, 1451, 1452, 1048, 3819, 4025, 1264, 1406, 1690, 1644},
		txn.DetailDatabaseUnavailable: {1040, 1053, 1927, 1021, 1290},
		txn.DetailInternal:            {1064, 1146, 1054, 1399, 1792},
	} {
		for _, n := range numbers {
			if got := detail(&fault{number: n}); got != want {
				t.Errorf("%d is %v, want %v", n, got, want)
			}
		}
	}
	for _, err := range []error{io.ErrUnexpectedEOF, mysql.ErrInvalidConn, context.DeadlineExceeded, errNoRoom, participant.ErrReplaced} {
		if got := detail(err); got != txn.DetailDatabaseUnavailable {
			t.Errorf("%v is %v", err, got)
		}
	}
	if got := detail(fmt.Errorf("x: %w", errUnsent)); got != txn.DetailInternal {
		t.Errorf("what cannot be sent is %v", got)
	}
}

func TestServerFit(t *testing.T) {
	for _, c := range []struct {
		server server
		fit    bool
	}{
		{server{version: "10.11.19-MariaDB", mariadb: true, major: 10, minor: 11}, true},
		{server{version: "10.5.1-MariaDB", mariadb: true, major: 10, minor: 5}, true},
		{server{version: "11.4.2-MariaDB", mariadb: true, major: 11, minor: 4}, true},
		{server{version: "10.4.30-MariaDB", mariadb: true, major: 10, minor: 4}, false},
		{server{version: "8.0.36", major: 8}, true},
		{server{version: "5.7.44", major: 5, minor: 7}, false},
		{server{version: "8.4.0", major: 8, minor: 4, galera: true}, false},
		{server{version: "8.4.0", major: 8, minor: 4, binlog: true, statements: true}, false},
	} {
		err := c.server.fit()
		if (err == nil) != c.fit || (err != nil && !errors.Is(err, ErrUnfit)) {
			t.Errorf("%s: %v", c.server.version, err)
		}
		major, minor := versionNumbers(c.server.version)
		if major != c.server.major || minor != c.server.minor {
			t.Errorf("%s is read as %d.%d", c.server.version, major, minor)
		}
	}
}
