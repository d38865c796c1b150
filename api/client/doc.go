// Package client calls the HTTP API of a cluster.
//
// Any coordinator answers any call, so a client knows several and goes on to the next where one does not answer, does not even say
// that it lives for two seconds, or answers that the cluster is unavailable. All calls are safe to repeat: a submission without an
// id is given one first, and the same id with the same branches runs once. What becomes of a transaction is no error: an aborted
// one is returned as it stands.
package client
