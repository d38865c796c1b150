// Package zkcoord is the transaction manager on ZooKeeper.
//
// # The store
//
// Driver is the one way to ZooKeeper, for coordinators and participants alike: it carries out the effects of package txn's store
// and gives the events that answer them.
//
// Events are given one after the other. A consumer hears SessionUp, then the answers of that session, then SessionLost, and so on.
// Every multi is answered once, before the next SessionUp: MultiDone and MultiFailed as ZooKeeper answered, MultiLost where the
// answer was lost (perhaps it was applied) or, with Unsent, where it surely was not applied. Reads are repeated within their
// session, and are not answered when that is over. Effects belong to the session that the consumer was told of last.
//
// A connection is suspended when it breaks: the session may outlive it, on another server, and goes on. A session is lost when
// ZooKeeper says that it has expired. Its zk.Conn is then closed, all its calls have returned, and its network connections are shut
// for good, before another session is begun: nothing that was queued for the old one is ever sent.
package zkcoord
