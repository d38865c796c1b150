// Package load measures work that is done over and over by a number of clients, each of which begins the next piece when its last
// one is done (a closed loop), and what that costs in CPU time by process and in ZooKeeper's proposals.
package load
