package zkcoord

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/medcommit/medcommit/txn"
)

// What one request may hold. The machines end theirs at 256 KB and 1,000 operations by their own estimate; this guard stands between
// a wrong estimate and ZooKeeper's jute.maxbuffer of 1 MiB, above which the server closes the connection without a word.
const (
	maxRequestBytes = 512 << 10
	maxRequestOps   = 2000
)

// request in zk's terms, and the way back from its operations to the machine's.
type multiRequest struct {
	ops      []any
	of       []int           // the machine's operation that each of ops stands for
	appends  []int           // which of ops make a log's entry, or another sequential node
	sizes    []int           // of the data of each of appends
	open     map[string]bool // generations that are checked to be open
	sessions map[string]string
	bytes    int
}

// multi sends a multi once and gives the event that answers it.
func (s *session) multi(m txn.Multi) txn.Event {
	r, fail := s.d.compile(m)
	if fail != nil {
		return *fail
	}
	fed := s.fed(m, r)
	for _, f := range fed {
		f.write(1)
		defer f.write(-1)
	}
	beforeMulti(&m)
	since := time.Now()
	results, err := s.conn.Multi(r.ops...)
	s.d.metrics.observe(reqMulti, since)
	if err == nil {
		afterMulti(&m)
		return s.done(m, r, fed, results)
	}
	for i, res := range results {
		if res.Error != nil {
			// The operations before the culprit have no error, those behind it one that says nothing.
			return s.failed(m, r, i, res.Error)
		}
	}
	s.d.log.Debug("multi lost", "error", err)
	return txn.MultiLost{Token: m.Token, Unsent: errors.Is(err, zk.ErrNoServer)}
}

func (s *session) done(m txn.Multi, r *multiRequest, fed map[txn.Log]*follower, results []zk.MultiResponse) txn.Event {
	done := txn.MultiDone{Token: m.Token}
	for _, i := range r.appends {
		if i >= len(results) {
			break
		}
		num, err := sequence(results[i].String)
		if err != nil {
			panic(fmt.Sprintf("zkcoord: read a sequential node's name: %v", err))
		}
		done.Appended = append(done.Appended, txn.Pos{Gen: m.Ops[r.of[i]].Gen, Num: num})
	}
	feed(fed, m, r, done.Appended)
	for participant, path := range r.sessions {
		s.start(func(s *session) { s.d.present.keep(s, participant, path) })
	}
	return done
}

func (s *session) failed(m txn.Multi, r *multiRequest, at int, err error) txn.Event {
	f := txn.MultiFailed{Token: m.Token, Index: r.of[at], Err: opError(err)}
	op := m.Ops[f.Index]
	switch {
	case errors.Is(err, zk.ErrSessionExpired) || errors.Is(err, zk.ErrSessionMoved):
		// Nothing is wrong with the operation, and it was not carried out.
		return txn.MultiLost{Token: m.Token, Unsent: true}
	case f.Err == txn.OpErrBadVersion && op.Kind == txn.OpAppend:
		f.Err = txn.OpErrClosed
	case f.Err == txn.OpErrOther:
		s.d.log.Error("multi refused", "operation", int(op.Kind), "error", err)
	}
	return f
}

func opError(err error) txn.OpError {
	switch {
	case errors.Is(err, zk.ErrNoNode):
		return txn.OpErrNoNode
	case errors.Is(err, zk.ErrBadVersion):
		return txn.OpErrBadVersion
	case errors.Is(err, zk.ErrNodeExists):
		return txn.OpErrExists
	case errors.Is(err, zk.ErrNoAuth):
		return txn.OpErrNoAuth
	case errors.Is(err, zk.ErrNotEmpty):
		return txn.OpErrNotEmpty
	}
	return txn.OpErrOther
}

// compile puts a multi in zk's terms; where it may not be sent, it gives the answer instead.
func (d *Driver) compile(m txn.Multi) (*multiRequest, *txn.MultiFailed) {
	r := &multiRequest{open: map[string]bool{}}
	for i, op := range m.Ops {
		if err := d.compileOp(r, i, op); err != nil {
			d.log.Error("multi not sent", "operation", int(op.Kind), "error", err)
			return nil, &txn.MultiFailed{Token: m.Token, Index: i, Err: txn.OpErrOther}
		}
		if r.bytes > maxRequestBytes || len(r.ops) > maxRequestOps {
			return nil, &txn.MultiFailed{Token: m.Token, Index: i, Err: txn.OpErrTooLarge}
		}
	}
	return r, nil
}

func (d *Driver) compileOp(r *multiRequest, i int, op txn.Op) error {
	switch op.Kind {
	case txn.OpCheck:
		r.check(i, d.path(op.Path), op.Version)
	case txn.OpSet:
		r.add(i, &zk.SetDataRequest{Path: d.path(op.Path), Data: op.Data, Version: op.Version}, len(op.Path)+len(op.Data))
	case txn.OpCreate:
		r.create(i, d.path(op.Path), op.Data, op.Ephemeral, op.Sequential)
		if participant, ok := sessionNode(op); ok {
			if r.sessions == nil {
				r.sessions = map[string]string{}
			}
			r.sessions[participant] = d.path(op.Path)
		}
	case txn.OpDelete:
		r.add(i, &zk.DeleteRequest{Path: d.path(op.Path), Version: op.Version}, len(op.Path))
	case txn.OpAppend:
		data, err := d.codec.encode(op.Segment)
		if err != nil {
			return err
		}
		generation := d.path(op.Log.GenerationPath(op.Gen))
		if !r.open[generation] {
			r.open[generation] = true
			r.check(i, generation, 0)
		}
		r.create(i, generation+"/"+op.Log.Prefix(), data, op.Ephemeral, true)
	case txn.OpCheckEntry:
		// Entries are never set: the check is of their being there.
		r.check(i, d.entryPath(op.Log, op.Pos), 0)
	case txn.OpDeleteEntry:
		path := d.entryPath(op.Log, op.Pos)
		r.add(i, &zk.DeleteRequest{Path: path, Version: 0}, len(path))
	default:
		panic(fmt.Sprintf("zkcoord: no operation of kind %d", op.Kind))
	}
	return nil
}

// perOp is what an operation takes besides its path and data: headers, lengths, version; perCreate what one to create takes on top.
const (
	perOp     = 9 + 4 + 4 + 4
	perCreate = 4 + 4 + 4 + 5 + 4 + 6 + 4
)

func (r *multiRequest) add(i int, op any, bytes int) {
	r.ops = append(r.ops, op)
	r.of = append(r.of, i)
	r.bytes += bytes + perOp
}

func (r *multiRequest) check(i int, path string, version int32) {
	r.add(i, &zk.CheckVersionRequest{Path: path, Version: version}, len(path))
}

func (r *multiRequest) create(i int, path string, data []byte, ephemeral, sequential bool) {
	var flags int32
	if ephemeral {
		flags |= zk.FlagEphemeral
	}
	if sequential {
		flags |= zk.FlagSequence
		r.appends = append(r.appends, len(r.ops))
		r.sizes = append(r.sizes, len(data))
	}
	r.add(i, &zk.CreateRequest{Path: path, Data: data, Acl: zk.WorldACL(zk.PermAll), Flags: flags}, len(path)+len(data)+perCreate)
}

// entryPath is the full path of a log's entry.
func (d *Driver) entryPath(log txn.Log, at txn.Pos) string {
	return d.path(log.GenerationPath(at.Gen)) + "/" + entryName(log, at)
}

func entryName(log txn.Log, at txn.Pos) string {
	const zeros = "0000000000"
	digits := strconv.Itoa(int(at.Num))
	return log.Prefix() + zeros[min(len(digits), len(zeros)):] + digits
}

// sequence reads the ten digits that ZooKeeper put behind a name.
func sequence(path string) (int32, error) {
	if len(path) < 10 {
		return 0, fmt.Errorf("read a sequence number: %w", strconv.ErrSyntax)
	}
	n, err := strconv.ParseInt(path[len(path)-10:], 10, 32)
	if err != nil {
		return 0, fmt.Errorf("read a sequence number: %w", err)
	}
	return int32(n), nil
}
