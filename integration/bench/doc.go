// Command bench compares two-phase commit through a cluster with the same by hand: it starts ZooKeeper, three coordinators, two
// databases and a participant for each, every one a process of its own, and runs "medcommit bench floor" in both of its forms and
// "medcommit bench" in turn, A B C A B C, for PostgreSQL and for MariaDB.
//
// "make bench" runs it for the table of BENCHMARKS.md.
package main
