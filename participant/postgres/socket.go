package postgres

import (
	"crypto/tls"
	"errors"
	"net"
	"syscall"
)

// quiet tells whether an idle connection is open and has nothing to read: a server that ends a connection says so on it first.
// It asks the kernel only. pgconn's own CheckConn would wait for its deadline, and with a watcher that cancels, for two seconds; and
// SyscallConn's Read would wait for the read that pgconn leaves pending on a connection after a slow write.
func quiet(conn net.Conn) bool {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	var peeked error
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, peeked = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return err == nil && (errors.Is(peeked, syscall.EAGAIN) || errors.Is(peeked, syscall.EWOULDBLOCK))
}
