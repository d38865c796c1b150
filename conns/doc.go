// Package conns bounds what callers can take of an HTTP listener: connections, and requests that are answered at once.
//
// A connection without a request costs the least to its caller, and is what an attack is made of. So when there are as many
// connections as there may be, a new one takes the place of the one that has been without a request for the longest; a caller that
// sends its request at once is served whatever else hangs on the listener. Where every connection has a request under way, new
// ones wait in the kernel's queue: silence says nothing, whereas a connection that is refused tells the other coordinators that
// the process is gone.
//
// The number of requests is bounded below the number of connections: one too many is answered at once, and its connection is
// without a request again. So there is always a connection for those that are not counted: health, metrics, and the link that
// coordinators keep to their leader.
//
// Serve stops a server so that nothing that reached it is dropped without an answer.
package conns
