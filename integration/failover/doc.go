// Package failover tries, with the built program and a process for each role, that work goes on while one of them is gone, stopped,
// about to end, or slow; and measures how soon. ZooKeeper's tickTime is 500 ms and the session time-out the default, 4 s, as users
// have them.
package failover
