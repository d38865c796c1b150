package postgres

import (
	"net"
	"testing"
	"time"
)

func TestQuiet(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if !quiet(client) {
		t.Error("an idle connection is not quiet")
	}

	// A read that is pending, as pgconn leaves one behind after a slow write, does not hold the look up.
	read := make(chan struct{})
	go func() {
		defer close(read)
		var b [1]byte
		_, _ = client.Read(b[:]) // ended by the byte below
	}()
	looked := make(chan bool)
	go func() {
		for range 1000 {
			if !quiet(client) {
				break
			}
		}
		close(looked)
	}()
	select {
	case <-looked:
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for another's read")
	}
	if _, err := server.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	<-read

	for _, say := range []func() error{
		func() error { _, err := server.Write([]byte{1}); return err },
		server.Close,
	} {
		if err := say(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); quiet(client); {
			if time.Now().After(deadline) {
				t.Fatal("a connection with something to read is quiet")
			}
		}
	}
}
