// Package rmtest is the contract of a resource manager as tests: every one passes it against its real database. A resource
// manager's own package keeps only what is peculiar to its database.
//
// The suite knows a database as numbers under names. A Harness gives it calls that write and read those, resource managers that
// behave as processes of their own, and the faults that the database can suffer. Where a fault does not exist for a database its
// function is nil, and the suite has those tests fewer.
package rmtest
