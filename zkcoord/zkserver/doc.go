// Package zkserver runs a private ZooKeeper server as a child process, from the jars of the distribution's package or of an
// unpacked release: for "medcommit dev" and "medcommit demo", and for tests. The server listens on loopback only.
//
// The child does not outlive its parent: Stop ends it in order, and the kernel kills it when the parent dies in any other way.
package zkserver
