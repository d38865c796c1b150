// Package bench puts load on a cluster and measures it, and does the same work by hand: two-phase commit over two databases without
// any coordinator, which is the floor that a cluster is compared with.
//
// The work moves amounts between rows of a table, bench_accounts, that Fill makes and Operations publishes; embedded stores that
// are open need neither. A client that has moved an amount moves it back, so that the sums are known when all is done.
package bench
