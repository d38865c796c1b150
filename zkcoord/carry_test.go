package zkcoord

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/medcommit/medcommit/txn"
)

func TestCarryWatches(t *testing.T) {
	packet := func(op, last uint32) []byte {
		b := binary.BigEndian.AppendUint32(nil, 4+4+4+2+4)
		b = binary.BigEndian.AppendUint32(b, 77)
		b = binary.BigEndian.AppendUint32(b, op)
		b = append(binary.BigEndian.AppendUint32(b, 2), "/a"...)
		return binary.BigEndian.AppendUint32(b, last)
	}
	minus := func(n int32) uint32 { return uint32(-n) }
	for _, c := range []struct{ got, want []byte }{
		{packet(opDelete, minus(opAddWatch)), packet(opAddWatch, recursively)},
		{packet(opDelete, minus(opRemoveWatch)), packet(opRemoveWatch, anyWatch)},
		{packet(opDelete, 3), packet(opDelete, 3)},
		{packet(opDelete, minus(1)), packet(opDelete, minus(1))},
		{packet(5, minus(opAddWatch)), packet(5, minus(opAddWatch))},
		{[]byte{0, 0, 0, 8, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 11}, []byte{0, 0, 0, 8, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 11}}, // a ping
	} {
		was := slices.Clone(c.got)
		if got := new(carriage).request(c.got); !bytes.Equal(got, c.want) {
			t.Errorf("%x became %x, not %x", was, got, c.want)
		}
	}
}

// TestManyEntriesAreReadAtOnce: what is there when a log is followed, in few requests, whatever is among it.
func TestManyEntriesAreReadAtOnce(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	w, r := newClient(t, root, addr).up(), newClient(t, root, addr).up()
	const entries = 100
	var want []string
	for i := range entries {
		want = append(want, fmt.Sprint(i, strings.Repeat("x", i*i)))
		w.must(appendTo(decisions, 1, want[i]))
	}
	// One has come and gone, one cannot be decoded, one may not be read.
	folder := w.path(decisions.GenerationPath(1))
	w.must(ghostAt(entries)...)
	conn := w.toldSession().conn
	for _, acl := range []int32{zk.PermAll, zk.PermDelete} {
		if _, err := conn.Create(folder+"/"+decisions.Prefix(), []byte("rubbish"), zk.FlagSequence, zk.WorldACL(acl)); err != nil {
			t.Fatal(err)
		}
	}
	want = append(want, "?", "?")
	r.Do(txn.Follow{Log: decisions})
	r.awaitBatches(0, decisions, want...)
	if many, gets := asked(t, r, reqMultiRead), asked(t, r, reqGet); many != 7 || gets > 2 {
		t.Errorf("%d requests for many and %d for one", many, gets)
	}
	got := r.entries(0, decisions)
	if got[entries].Newer || !got[entries+1].Newer {
		t.Errorf("what cannot be decoded is given as %+v, what may not be read as %+v", got[entries], got[entries+1])
	}
	w.must(txn.Op{Kind: txn.OpDeleteEntry, Log: decisions, Pos: got[50].Pos})
	listed := r.list(decisions).Entries
	if len(listed) != entries+1 || listed[49].Pos.Num != 49 || listed[50].Pos.Num != 51 {
		t.Errorf("%d are listed, from %v to %v", len(listed), listed[0].Pos, listed[len(listed)-1].Pos)
	}
}

func TestDecodeMany(t *testing.T) {
	header := func(op int32, over byte) []byte {
		return append(append(binary.BigEndian.AppendUint32(nil, uint32(op)), over), 0, 0, 0, 0)
	}
	stat := make([]byte, statBytes)
	stat[ownerAt+3] = 1
	ephemeral := slices.Concat(header(opGetData, 0), []byte{0, 0, 0, 3}, []byte("abc"), stat)
	empty := slices.Concat(header(opGetData, 0), []byte{0xff, 0xff, 0xff, 0xff}, make([]byte, statBytes))
	failed := func(code int32) []byte {
		return binary.BigEndian.AppendUint32(header(-1, 0), uint32(code))
	}
	whole := slices.Concat(ephemeral, empty, failed(codeNoNode), failed(codeNoAuth), failed(-4), header(-1, 1))
	many, err := decodeMany(string(whole))
	if err != nil || len(many) != 5 {
		t.Fatalf("got %+v, %v", many, err)
	}
	if string(many[0].data) != "abc" || !many[0].ephemeral || len(many[1].data) != 0 || many[1].ephemeral {
		t.Errorf("got %+v", many[:2])
	}
	for i, want := range []error{nil, nil, zk.ErrNoNode, zk.ErrNoAuth, errRefused} {
		if !isOneOf(many[i].err, want) {
			t.Errorf("part %d has error %v, want %v", i, many[i].err, want)
		}
	}
	for n := range whole {
		if _, err := decodeMany(string(whole[:n])); err == nil {
			t.Errorf("%d bytes of %d are read", n, len(whole))
		}
	}
}

// refusing has requests for many nodes go out as one that ZooKeeper answers with an error.
type refusing struct{ net.Conn }

func (c refusing) Write(b []byte) (int, error) {
	if len(b) > requestHeader && binary.BigEndian.Uint32(b[opAt:]) == opMultiRead {
		b = bytes.Clone(b)
		binary.BigEndian.PutUint32(b[opAt:], opDelete)
	}
	return c.Conn.Write(b)
}

// TestEntriesAreReadOneByOneWhereManyAreRefused, when they are followed and when they are listed.
func TestEntriesAreReadOneByOneWhereManyAreRefused(t *testing.T) {
	addr, root := sharedZooKeeper(t)
	w := newClient(t, root, addr).up()
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprint(i))
		w.must(appendTo(decisions, 1, want[i]))
	}
	r := newClientWith(t, DriverConfig{
		Servers: []string{addr}, Root: root, SessionTimeout: 2 * time.Second,
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return refusing{conn}, err
		},
	}).up()
	r.Do(txn.Follow{Log: decisions})
	r.awaitBatches(0, decisions, want...)
	if got := batches(r.list(decisions).Entries); !slices.Equal(got, want) {
		t.Errorf("listed are %v", got)
	}
	if gets := asked(t, r, reqGet); gets < 40 {
		t.Errorf("only %d were read one by one", gets)
	}
}
