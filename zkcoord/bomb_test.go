package zkcoord

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/medcommit/medcommit/txn"
)

// Little that unpacks to much is refused before it takes much.
func TestBombsAreRefused(t *testing.T) {
	c := newCodec()
	pack := func(b []byte) []byte { return c.pack.EncodeAll(b, nil) }
	head := func(kind string) string { return fmt.Sprintf("{\"format\":1,\"batch\":\"b\",\"kind\":%q}\n", kind) }
	large := base64.StdEncoding.EncodeToString(pack(make([]byte, maxDecoded/2)))
	payload := fmt.Sprintf("{\"key\":\"0123456789abcdefghijklmnop\",\"id\":\"rx-1\",\"timeout\":1,\"packed\":%q}\n", large)
	for name, data := range map[string][]byte{
		"more than is allowed": pack(append([]byte(head(kindHistory)), make([]byte, maxDecoded)...)),
		"nothing but lines":    pack(append([]byte(head(kindHistory)), bytes.Repeat([]byte("\n"), maxDecoded/2)...)),
		"many large payloads":  []byte(head(kindPrepares) + strings.Repeat(payload, 20)),
		"within":               pack(pack(make([]byte, 1<<20))),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := c.decode(data)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: %d bytes were taken", name, len(data))
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 6*maxDecoded {
			t.Errorf("%s: %d bytes took %d MiB", name, len(data), took>>20)
		}
	}
}

// What names parts beyond any payload is a payload that is not there.
func TestPayloadsOutOfBoundsAreNotThere(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	driver, err := NewDriver(DriverConfig{Servers: []string{addr}, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	for _, parts := range []int{-1, 0, maxParts + 1, 1 << 40} {
		if _, err := driver.Payload(context.Background(), "h", parts); !errors.Is(err, txn.ErrNoPayload) {
			t.Errorf("%d parts: %v", parts, err)
		}
	}
	if _, err := driver.Payload(context.Background(), "../epoch", 1); !errors.Is(err, txn.ErrNoPayload) {
		t.Errorf("a path: %v", err)
	}
	if _, err := driver.WritePayload(context.Background(), "h", make([]byte, maxDecoded+1)); !errors.Is(err, txn.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}
