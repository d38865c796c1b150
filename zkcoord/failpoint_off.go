//go:build !failpoints

package zkcoord

import "github.com/medcommit/medcommit/txn"

// beforeMulti and afterMulti are where a process of the build with failpoints may die, see package failpoint; afterRead hears what a
// machine is given of a node.
func beforeMulti(*txn.Multi) {}
func afterMulti(*txn.Multi)  {}
func afterRead(txn.NodeRead) {}
