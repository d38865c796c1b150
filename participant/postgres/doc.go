// Package postgres is the resource manager on PostgreSQL 13 or later, by PREPARE TRANSACTION.
//
// The database is the authority. A branch is the prepared transaction whose gid is its XID; a row of medcommit_branches, written
// first thing inside the branch, proves that it was committed and keeps it from being executed twice (R7).
//
// BEGIN, the marker, the statements and PREPARE TRANSACTION travel in one round trip: the server skips everything behind a
// statement that fails, so that failed work cannot become prepared (R16). A row count that is wanted is demanded inside the
// database, by a statement around the site's own: a cast to the domain medcommit_rows, which takes only true, and whose name in
// the error tells this failure from every other. Where a statement cannot be wrapped so, its count is read before PREPARE
// TRANSACTION is sent.
//
// What each failure does:
//   - A statement fails: the block is rolled back and the vote is to abort, with the detail that its SQLSTATE means.
//   - The marker's key is taken, or PREPARE TRANSACTION fails: another process may have executed the branch; the database is
//     asked, and a branch that is prepared or committed gives a vote to commit.
//   - The connection breaks before the answer to PREPARE TRANSACTION: ErrInDoubt. Lookup ends that connection's backend, waits
//     until it is gone and then looks: nothing can arrive any more.
//   - COMMIT PREPARED finds no such gid: prepared, marker, and prepared again are looked at, each by a statement of its own.
//   - The process is stopped, not killed: the next incarnation ends its backends, which it knows by their application_name.
package postgres
