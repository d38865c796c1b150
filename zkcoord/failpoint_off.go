//go:build !failpoints

package zkcoord

import "github.com/medcommit/medcommit/txn"

// beforeMulti and afterMulti are where a process of the build with failpoints may die; see package failpoint.
func beforeMulti(*txn.Multi) {}
func afterMulti(*txn.Multi)  {}
