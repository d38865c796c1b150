// Command coordination measures the coordination alone: participants whose resource manager does nothing, and clients that hand in
// transactions as fast as they are decided, either through a coordinator embedded in this process or over HTTP to one in a process
// of its own. Every participant and every ZooKeeper server is a process of its own.
//
// "make bench-coordination" runs it for the table of BENCHMARKS.md.
package main
