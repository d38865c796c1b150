// Package integration tries medcommit as its users have it: the built program, each role a process of its own, on real ZooKeeper,
// PostgreSQL and MariaDB servers, with processes killed in the middle.
//
// TestCrash needs no luck for that: the program is built with failpoints (package txn/failpoint), and a process dies at every step.
package integration
