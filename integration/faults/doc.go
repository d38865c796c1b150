// Command faults breaks a cluster on purpose, again and again, and audits it after every healing.
//
// Three ZooKeeper servers, three coordinators and three participants (PostgreSQL, MariaDB, the embedded store) run as processes,
// each on a host of its own: a network namespace with one cable to a common bridge. Clients hand in transactions of several
// workloads and keep a ledger of what they were told. A nemesis strikes in rounds: it kills and stops processes, pulls cables,
// loses answers, fills the disk. What it does in which round follows from the seed; what the cluster is doing at that moment does
// not. After each round everything is healed, the clients learn what became of their transactions, and the auditor compares the
// databases with the ledger. It asks no coordinator about any outcome. Other clients append to lists at several sites; what they did
// and were told is history.edn, in the form that Elle reads, and package appends checks it.
//
// The program needs root: it makes a network and a mount namespace for itself, in which all the rest lives, so nothing is left of
// it on the machine when it ends, however it ends.
package main
