// Package api is the outside of the transaction manager: HTTP by CONTRACT.md. Package api/client is the Go client of it.
//
// The authority is the Service behind it; this package keeps no state of a transaction. It checks a request wholly before the Service
// hears of it, so that a refused one has started nothing, and it never repeats to anybody what a client sent: errors name the place of
// a bad value, and logs and metrics have neither.
//
// The calls are plain net/http handlers, for the answers are fixed to the letter; huma describes them, as OpenAPI 3.1.
//
// What each failure answers stands in package api/problem. A submission whose fate is not known, because the reply of ZooKeeper was
// lost or the caller's wait ended, is answered 202, never 503: 503 says that nothing was started.
//
// What callers can take is bounded: headers come within 5 s, a body within 30 s, an answer is read within 30 s, an idle connection
// stands for 2 minutes; headers are at most 64 KiB, bodies --max-body, and what all bodies take together 32 times that. Connections
// and requests are bounded by package conns: one request too many gets 429. Health, metrics, and what coordinators ask of one
// another are always answered.
package api
