package zkcoord

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/medcommit/medcommit/txn"
)

// base64Encoding is what encoding/json reads into a []byte.
var base64Encoding = base64.StdEncoding

// zstdMagic begins every compressed segment and payload, and no line of JSON.
const zstdMagic = "\x28\xb5\x2f\xfd"

// decode reads what encode wrote, of this format or an older one. It never panics: the bytes may be anybody's. Its errors wrap
// txn.ErrFormat where the segment was written by a newer program.
func (c *codec) decode(data []byte) (*txn.Segment, error) {
	if bytes.HasPrefix(data, []byte(zstdMagic)) {
		lines, err := c.unpack.DecodeAll(data, nil)
		if err != nil {
			return nil, fmt.Errorf("decompress segment: %w", err)
		}
		data = lines
	}
	first, rest, _ := bytes.Cut(data, []byte("\n"))
	h, ok := readHeader(first)
	if !ok {
		if err := json.Unmarshal(first, &h); err != nil || h.Format < 1 {
			return nil, fmt.Errorf("decode header: %w", errUndecodable)
		}
	}
	if h.Format > txn.FormatVersion {
		return nil, fmt.Errorf("decode segment of format %d: %w", h.Format, txn.ErrFormat)
	}
	s := &txn.Segment{Batch: h.Batch}
	if err := c.decodeRecords(s, h.Kind, rest); err != nil {
		return nil, err
	}
	if err := valid(s); err != nil {
		return nil, err
	}
	return s, nil
}

func (c *codec) decodeRecords(s *txn.Segment, kind string, lines []byte) (err error) {
	switch kind {
	case kindSubmissions:
		s.Submissions, err = decodeLines(lines, readSubmission)
	case kindPrepares:
		s.Prepares, err = c.decodePrepares(lines)
	case kindWishes:
		s.Wishes, err = decodeLines(lines, func(q *quick, _ *txn.Wish) { q.fail() })
	case kindVotes:
		s.Votes, err = decodeLines(lines, readVote)
	case kindDecisions:
		s.Decisions, err = decodeLines(lines, readDecision)
	case kindHistory:
		s.History, err = decodeLines(lines, readPast)
	default:
		return fmt.Errorf("decode records of an unknown kind: %w", errUndecodable)
	}
	return err
}

// leastRecord is less than any record takes.
const leastRecord = 30

// decodeLines gives an error that names no content.
func decodeLines[T any](lines []byte, read func(*quick, *T)) ([]T, error) {
	// No record is that short: who counts the lines of a segment that is nothing but lines takes a hundred times its size.
	records := make([]T, 0, min(bytes.Count(lines, []byte("\n")), len(lines)/leastRecord))
	var q quick
	for line := range bytes.Lines(lines) {
		records = append(records, *new(T))
		r := &records[len(records)-1]
		q.b, q.bad = bytes.TrimSuffix(line, []byte("\n")), false
		if read(&q, r); !q.bad && len(q.b) == 0 {
			continue
		}
		*r = *new(T)
		if err := json.Unmarshal(line, r); err != nil {
			return nil, fmt.Errorf("decode record %d: %w", len(records)-1, errUndecodable)
		}
	}
	return records, nil
}

func (c *codec) decodePrepares(lines []byte) ([]txn.Prepare, error) {
	raw, err := decodeLines(lines, readPrepare)
	if err != nil {
		return nil, err
	}
	prepares := make([]txn.Prepare, len(raw))
	unpacked := 0
	for i := range raw {
		p := raw[i].Prepare
		switch {
		case raw[i].Packed != nil:
			if p.Payload, err = c.unpack.DecodeAll(raw[i].Packed, nil); err != nil {
				return nil, fmt.Errorf("decompress payload of record %d: %w", i, errUndecodable)
			}
			if unpacked += len(p.Payload); unpacked > maxDecoded {
				return nil, fmt.Errorf("decompress payloads up to record %d: %w", i, errUndecodable)
			}
		case raw[i].Plain != nil:
			p.Payload = raw[i].Plain
		case raw[i].Work != nil:
			p.Payload = raw[i].Work
		}
		prepares[i] = p
	}
	return prepares, nil
}
