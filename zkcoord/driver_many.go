package zkcoord

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-zookeeper/zk"

	"github.com/medcommit/medcommit/txn"
)

// readAtOnce is how many entries are asked for in one request; each of them may be a megabyte of its answer.
const readAtOnce = 16

// got is what ZooKeeper answered to one node that was asked for.
type got struct {
	data      []byte
	ephemeral bool
	err       error
}

// getMany reads entries of one generation in one request: to ZooKeeper and to this process a request costs more than what comes with
// it. It gives as many answers as there are places.
func (s *session) getMany(ctx context.Context, log txn.Log, places []txn.Pos) ([]got, error) {
	names := make([]string, len(places))
	for i, at := range places {
		names[i] = entryName(log, at)
	}
	path := s.d.path(log.GenerationPath(places[0].Gen)) + "/" + strings.Join(names, nextNode) + nextNode
	var answer string
	var refused error
	err := s.ask(ctx, reqMultiRead, func() (err error) {
		answer, err = s.conn.Sync(path)
		if err != nil && !passes(err) {
			refused, err = err, nil
		}
		return err
	})
	if err := errors.Join(err, refused); err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	many, err := decodeMany(answer)
	if err == nil && len(many) != len(places) {
		err = errUndecodable
	}
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	return many, nil
}

// Lengths of what is in an answer for many nodes, and where in a node's Stat its owner is.
const (
	multiHeaderBytes = 9
	statBytes        = 68
	ownerAt          = 44
)

// decodeMany reads the answer to a request for many nodes: behind a header each, the data and the Stat, or an error. What it gives
// holds copies, so that one entry that is kept does not keep all.
func decodeMany(b string) ([]got, error) {
	var many []got
	for {
		if len(b) < multiHeaderBytes {
			return nil, errUndecodable
		}
		op, over := int32At(b), b[4] != 0
		b = b[multiHeaderBytes:]
		switch {
		case over:
			return many, nil
		case len(b) < 4:
			return nil, errUndecodable
		}
		n := int(int32At(b)) // an error, or how long the data are; -1: there are none
		b = b[4:]
		if op != opGetData {
			many = append(many, got{err: errorOf(zk.ErrCode(n))})
			continue
		}
		n = max(n, 0)
		if len(b) < n+statBytes {
			return nil, errUndecodable
		}
		owner := b[n+ownerAt : n+ownerAt+8]
		many = append(many, got{data: []byte(b[:n]), ephemeral: int32At(owner) != 0 || int32At(owner[4:]) != 0})
		b = b[n+statBytes:]
	}
}

func int32At(b string) int32 {
	return int32(b[0])<<24 | int32(b[1])<<16 | int32(b[2])<<8 | int32(b[3])
}

// errorOf gives those errors of the library that an entry's reader knows.
func errorOf(code zk.ErrCode) error {
	switch code {
	case codeNoNode:
		return zk.ErrNoNode
	case codeNoAuth:
		return zk.ErrNoAuth
	}
	return fmt.Errorf("%w: code %d", errRefused, code)
}

// Codes of ZooKeeper.
const (
	codeNoNode = -101
	codeNoAuth = -102
)

var errRefused = errors.New("ZooKeeper refuses to read a node")
