// Package integration tries medcommit as its users have it: the built program, each role a process of its own, on real ZooKeeper,
// PostgreSQL and MariaDB servers, with processes killed in the middle.
package integration
