// Package appends checks the history of a list-append workload: lists that live at several sites, and transactions that append to
// lists at two or three sites at once. It is pure: a history comes in, what is wrong with it comes out. It knows nothing of how
// medcommit works, only what it promises.
//
// # The history
//
// A history is a file of operations in the form of Jepsen and Elle (list-append), one a line, so that another checker can read it:
//
//	{:index 0, :time 1200, :type :invoke, :process 0, :f :txn, :value [[:r "emr/1" nil] [:append "emr/1" 7] [:append "orders/4" 8]], :id "a-7"}
//	{:index 1, :time 9800, :type :ok, :process 0, :f :txn, :value [[:r "emr/1" [3 5]] [:append "emr/1" 7] [:append "orders/4" 8]], :id "a-7"}
//
// :time is in nanoseconds since the run began. An operation is invoked and completed by one process: :ok is a commit that was
// acknowledged, :fail an abort that was acknowledged, :info anything else; a process whose operation ended so is never used again.
// A key is SITE/LIST; a value is appended to its list once in the whole history. Three members are our own, and others ignore them:
// :id is the transaction's id; :state :committed says that the transaction was finished at every site when it was acknowledged;
// :final true marks the reads made at the end, when everything had settled. :error says why an operation failed.
//
// There are two kinds of reads. One in a transaction that also appends is validated: a client looks at the list, and the
// transaction's append is refused unless the list is still that; so its read is part of the transaction. An operation that only
// reads is a look from outside: one query at one site, of what that site has committed, of no transaction of medcommit's.
//
// # What is promised
//
// medcommit promises atomicity and durability. Isolation is each site's own: every list is one row or record, and an append holds
// its lock until the outcome. From both together it follows that transactions that append are serializable in the order in which
// they were decided, which respects real time: one that is invoked after another was acknowledged comes after it. Looks from
// outside are not part of that: one site may finish a transaction long before another, and who looks at one of them in between sees
// a state that no order of whole transactions gives. Those are counted and reported, and break no promise.
package appends
