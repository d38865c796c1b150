package zkcoord

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/medcommit/medcommit/txn"
)

// A segment is stored as lines of JSON, so that an operator can read it with zkCli: a header, then one record a line. Segments of
// the history, which hold no payload, are compressed whole. A prepare request's payload stays readable where it is compact JSON of
// at most readablePayload bytes ("work"); else it is compressed, alone: the length of several clients' payloads compressed together
// would tell one patient from another ("packed", or "plain" where that is no longer).

var (
	errUndecodable = errors.New("the segment cannot be decoded")
	errNoRecords   = errors.New("the segment holds no records, or of several kinds")
)

// Limits of the codec.
const (
	readablePayload = 1 << 10
	maxDecoded      = 64 << 20 // no segment and no payload is larger when it is decompressed
)

// The kinds of segments, as headers name them.
const (
	kindSubmissions = "submissions"
	kindPrepares    = "prepares"
	kindWishes      = "wishes"
	kindVotes       = "votes"
	kindDecisions   = "decisions"
	kindHistory     = "history"
)

// header is a segment's first line.
type header struct {
	Format int    `json:"format"`
	Batch  string `json:"batch"`
	Kind   string `json:"kind"`
}

// prepareLine is a prepare request with its payload; one of the last three members at most.
type prepareLine struct {
	txn.Prepare
	Work   json.RawMessage `json:"work,omitempty"`
	Packed []byte          `json:"packed,omitempty"`
	Plain  []byte          `json:"plain,omitempty"`
}

// codec turns segments into bytes and back. It may be used by many at once.
type codec struct {
	pack   *zstd.Encoder
	unpack *zstd.Decoder
}

func newCodec() *codec {
	// The options are constants, and zstd refuses only impossible ones.
	pack, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		panic(fmt.Sprintf("zkcoord: make an encoder: %v", err))
	}
	unpack, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxDecoded))
	if err != nil {
		panic(fmt.Sprintf("zkcoord: make a decoder: %v", err))
	}
	return &codec{pack: pack, unpack: unpack}
}

func (c *codec) encode(s *txn.Segment) ([]byte, error) {
	kind, records := kindOf(s)
	if kind == "" {
		return nil, fmt.Errorf("encode segment: %w", errNoRecords)
	}
	b, err := appendLine(make([]byte, 0, 256+400*records), header{Format: txn.FormatVersion, Batch: s.Batch, Kind: kind})
	if err != nil {
		return nil, err
	}
	switch kind {
	case kindSubmissions:
		b, err = appendRecords(b, s.Submissions, writeSubmission)
	case kindPrepares:
		b, err = c.appendPrepares(b, s.Prepares)
	case kindWishes:
		b, err = appendLines(b, s.Wishes)
	case kindVotes:
		b, err = appendRecords(b, s.Votes, writeVote)
	case kindDecisions:
		b, err = appendRecords(b, s.Decisions, writeDecision)
	case kindHistory:
		if b, err = appendRecords(b, s.History, writePast); err == nil {
			b = c.pack.EncodeAll(b, nil)
		}
	}
	return b, err
}

// kindOf gives the one kind of records that a segment holds, and how many; "" where it is not one.
func kindOf(s *txn.Segment) (kind string, records int) {
	if s == nil {
		return "", 0
	}
	for _, k := range []struct {
		kind string
		n    int
	}{
		{kindSubmissions, len(s.Submissions)},
		{kindPrepares, len(s.Prepares)},
		{kindWishes, len(s.Wishes)},
		{kindVotes, len(s.Votes)},
		{kindDecisions, len(s.Decisions)},
		{kindHistory, len(s.History)},
	} {
		if k.n == 0 {
			continue
		}
		if kind != "" {
			return "", 0
		}
		kind, records = k.kind, k.n
	}
	return kind, records
}

func appendLine(b []byte, record any) ([]byte, error) {
	line, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	return append(append(b, line...), '\n'), nil
}

// appendLines writes records that are rare.
func appendLines[T any](b []byte, records []T) ([]byte, error) {
	var err error
	for i := range records {
		if b, err = appendLine(b, &records[i]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (c *codec) appendPrepares(b []byte, prepares []txn.Prepare) ([]byte, error) {
	w := lineWriter{b: b}
	for i := range prepares {
		writePrepare(&w, &prepares[i])
		w.b = c.appendPayload(w.b, prepares[i].Payload)
		w.b = append(w.b, '}', '\n')
	}
	return w.b, w.err
}

// appendPayload adds the member that holds the payload, byte for byte: encoding/json would rewrite JSON that it is given.
func (c *codec) appendPayload(b, payload []byte) []byte {
	switch {
	case len(payload) == 0:
		return b
	case len(payload) <= readablePayload:
		if compactJSON(payload) {
			return append(append(b, `,"work":`...), payload...)
		}
	default:
		if packed := c.pack.EncodeAll(payload, nil); len(packed) < len(payload) {
			return appendBase64(append(b, `,"packed":`...), packed)
		}
	}
	return appendBase64(append(b, `,"plain":`...), payload)
}

// compactJSON tells whether b is one JSON value without white space around its parts.
func compactJSON(b []byte) bool {
	text := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			text = !text
		case text && c == '\\':
			i++ // whatever it is, it does not end the string
		case !text && isSpace(c):
			return false
		}
	}
	return json.Valid(b)
}

func appendBase64(b, data []byte) []byte {
	b = append(b, '"')
	b = base64Encoding.AppendEncode(b, data)
	return append(b, '"')
}
