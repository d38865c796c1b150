// Package embedded is a record store in one file (bbolt) with a second phase: JSON objects under string keys, each with a version.
//
// The file is the authority. A branch is prepared when its intended changes are in bucket "branches" and synced; it is committed
// by the one transaction of the file that applies them, writes the branch's marker and removes it from "branches"; it is rolled
// back by removing it. So a crash at any moment leaves a branch prepared whole, or not at all.
//
// Locks are in memory and are made again from the prepared branches when the file is opened. A key is held by one branch alone
// (put, delete, create, and a check in a branch that writes), or by any number of branches that add to it: an escrow (O'Neil,
// "The Escrow Transactional Method", 1986). An addition is admitted only if its own bounds and those of every pending one hold
// whatever the outcomes. A branch takes its keys in their order, so that two branches of one store cannot wait for each other;
// what waits across sites ends by the lock time-out. A release of locks always follows the file's own commit: who reads in
// between sees the new value and the old reservation, which refuses too much for a moment and never too little.
//
// Writes that come together share one transaction of the file, and so its sync.
package embedded
