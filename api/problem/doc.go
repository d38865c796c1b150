// Package problem has the errors of the HTTP API as RFC 9457 problem documents: what the server writes and the client reads.
// The names of the problems are the contract; a document never holds a value that a client sent, only where it stood.
package problem
