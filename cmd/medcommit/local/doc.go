// Package local runs a whole cluster on this machine: a private ZooKeeper, coordinators and sites, each a process of its own, as a
// deployment would have them. `medcommit dev` keeps one up; `medcommit demo` works on one and breaks it on purpose.
package local
