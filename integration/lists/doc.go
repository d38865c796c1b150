// Package lists is a workload whose history package appends checks: lists of numbers that live at sites on PostgreSQL, MariaDB and
// the embedded store, each at one site, and transactions that append to lists at two or three sites at once, while clients look at
// the sites from outside. What clients did and were told is written down line by line, as it happens.
//
// A list is one row or one record, so that an append holds its lock until the outcome. The SQL sites append blindly (elements ||
// new), or only where the list still is what the client saw (a validated read). The embedded store has no operation that appends:
// there the client looks, and puts the longer list at the version that it saw. A list that has become long is left for a new one.
package lists
