// Package zktest gives tests real ZooKeeper servers: one, or an ensemble, each of which can be killed, paused and started again;
// and a Proxy to stand before a server that cuts its connections, holds them, or loses the answer to a request that was applied.
package zktest
