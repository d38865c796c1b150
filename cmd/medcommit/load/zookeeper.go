package load

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/medcommit/medcommit/zkcoord/zkserver"
)

// ZooKeeper is what a ZooKeeper server says of itself.
type ZooKeeper struct {
	// Proposals is a count that goes up by one with every proposal of this leader's term.
	Proposals int64
	Znodes    int64
	DataBytes int64
}

// AskZooKeeper asks a server; any of an ensemble's will do.
func AskZooKeeper(ctx context.Context, addr string) (ZooKeeper, error) {
	text, err := zkserver.Ask(ctx, addr, "srvr")
	if err != nil {
		return ZooKeeper{}, err
	}
	var z ZooKeeper
	// The lower half of a transaction id counts the leader's proposals: mntr's own counter is there on a leader only.
	zxid, err := strconv.ParseInt(strings.TrimPrefix(line(text, "Zxid:"), "0x"), 16, 64)
	if err != nil {
		return ZooKeeper{}, fmt.Errorf("read ZooKeeper's srvr: %w", os.ErrInvalid)
	}
	z.Proposals = zxid & 0xffffffff
	if text, err = zkserver.Ask(ctx, addr, "mntr"); err != nil {
		return ZooKeeper{}, err
	}
	z.Znodes, _ = strconv.ParseInt(line(text, "zk_znode_count"), 10, 64)
	z.DataBytes, _ = strconv.ParseInt(line(text, "zk_approximate_data_size"), 10, 64)
	return z, nil
}

// line gives what follows name on its line.
func line(text, name string) string {
	for l := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(l, name); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}
