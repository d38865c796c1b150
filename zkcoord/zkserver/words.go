package zkserver

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
)

// Ask sends one of ZooKeeper's four-letter words ("srvr", "mntr") to a server and gives the answer. The server must have it on its
// 4lw.commands.whitelist.
func Ask(ctx context.Context, addr, word string) (string, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("ask ZooKeeper: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err := io.WriteString(conn, word); err != nil {
		return "", fmt.Errorf("ask ZooKeeper: %w", err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		return "", fmt.Errorf("ask ZooKeeper: %w", err)
	}
	return string(answer), nil
}

// Mode asks a server what it is: "standalone", "leader" or "follower", and "" while it does not serve.
func Mode(ctx context.Context, addr string) (string, error) {
	answer, err := Ask(ctx, addr, "srvr")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(answer) {
		if mode, ok := strings.CutPrefix(line, "Mode: "); ok {
			return strings.TrimSpace(mode), nil
		}
	}
	return "", nil
}
