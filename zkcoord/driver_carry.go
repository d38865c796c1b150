package zkcoord

import (
	"encoding/binary"
	"strings"
	"sync"
)

// The client library has no call for persistent watches, nor for reading many nodes in one request, which ZooKeeper 3.6 and later
// have. So these are handed to the library as requests that it has, and are made into what they stand for on the connection.
//
// The requests to add and to remove a watch are, but for their numbers, laid out like the one to delete a node of some version: they
// are handed over as deletions of versions that no node ever has. A deletion that went out as it is would be refused for its version.
//
// A request for many nodes is handed over as a sync of a path whose last part names all of them, and its answer is given back as that
// path: both are texts of any length. A sync that went out as it is would change nothing, and its answer is none that can be read.
const (
	opDelete       = 2
	opGetData      = 4
	opSync         = 9
	opRemoveWatch  = 18
	opMultiRead    = 22
	opAddWatch     = 106
	recursively    = 1 // AddWatchMode.PERSISTENT_RECURSIVE
	anyWatch       = 3 // WatcherType.Any
	carriesAdd     = -opAddWatch
	carriesRemoval = -opRemoveWatch

	nextNode = ":" // between the names of nodes in the path that carries them; no name of ours has it
)

// A packet begins with its length, without that itself; then come, in a request, its xid and the number of what is asked, and in an
// answer its xid, the zxid and an error.
const (
	xidAt         = 4
	opAt          = 8
	requestHeader = 12
	errorAt       = 16
	answerHeader  = 20
)

// carriage knows which answers on one connection are to be made fit for the library.
type carriage struct {
	mu    sync.Mutex
	reads map[uint32]bool // xids of requests for many nodes
}

// request makes of a packet of the library what it stands for; it may be the same packet, changed.
func (c *carriage) request(packet []byte) []byte {
	if len(packet) < requestHeader+4 {
		return packet
	}
	switch binary.BigEndian.Uint32(packet[opAt:]) {
	case opDelete:
		carryWatch(packet)
	case opSync:
		if many := carryMultiRead(packet); many != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.reads == nil {
				c.reads = map[uint32]bool{}
			}
			c.reads[binary.BigEndian.Uint32(many[xidAt:])] = true
			return many
		}
	}
	return packet
}

// answer tells whether the answer that begins with header is to a request for many nodes, which it is asked once, and succeeded.
func (c *carriage) answer(header []byte) bool {
	xid := binary.BigEndian.Uint32(header[xidAt:])
	c.mu.Lock()
	defer c.mu.Unlock()
	ours := c.reads[xid]
	delete(c.reads, xid)
	return ours && binary.BigEndian.Uint32(header[errorAt:]) == 0
}

// carryWatch changes a deletion that stands for the adding or the removal of a watch.
func carryWatch(packet []byte) {
	last := packet[len(packet)-4:]
	for _, c := range []struct{ version, op, detail int32 }{{carriesAdd, opAddWatch, recursively}, {carriesRemoval, opRemoveWatch, anyWatch}} {
		if int32(binary.BigEndian.Uint32(last)) == c.version {
			binary.BigEndian.PutUint32(packet[opAt:], uint32(c.op))
			binary.BigEndian.PutUint32(last, uint32(c.detail))
			return
		}
	}
}

// carryMultiRead gives the request for many nodes that a sync stands for; nil where it stands for none.
func carryMultiRead(packet []byte) []byte {
	path := string(packet[requestHeader+4:])
	at := strings.LastIndexByte(path, '/') + 1
	folder, names := path[:at], path[at:]
	if !strings.Contains(names, nextNode) {
		return nil
	}
	many := make([]byte, requestHeader, 2*len(packet))
	copy(many, packet)
	binary.BigEndian.PutUint32(many[opAt:], opMultiRead)
	for name := range strings.SplitSeq(names, nextNode) {
		if name == "" {
			continue
		}
		many = appendMultiHeader(many, opGetData, false)
		many = binary.BigEndian.AppendUint32(many, uint32(len(folder)+len(name)))
		many = append(append(many, folder...), name...)
		many = append(many, 0) // without a watch
	}
	many = appendMultiHeader(many, -1, true)
	binary.BigEndian.PutUint32(many, uint32(len(many)-4))
	return many
}

// appendMultiHeader appends what stands before each part of a request for many, and, with over set, behind the last.
func appendMultiHeader(b []byte, op int32, over bool) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(op))
	if over {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return binary.BigEndian.AppendUint32(b, 0xffffffff)
}
