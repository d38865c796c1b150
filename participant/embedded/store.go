package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/txn"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Config is what a Store is made with.
type Config struct {
	// Dir is where the store's file is; it is made where it is missing.
	Dir string
	// LockTimeout bounds how long a branch waits for what other branches hold. Default 3 s.
	LockTimeout time.Duration
	// Logger gets what an operator must know. Default: none.
	Logger hclog.Logger
}

// Validate says what is wrong with the settings.
func (c Config) Validate() error {
	if c.Dir == "" {
		return errors.New("the embedded store needs a directory")
	}
	if c.LockTimeout < 0 {
		return errors.New("the lock time-out is negative")
	}
	return nil
}

// Store is a resource manager with records of its own. One process at a time has its file open.
type Store struct {
	config Config
	log    hclog.Logger
	turns  turns // one call a branch at a time

	// life is held for reading by every call, and for writing by Open and Close.
	life    sync.RWMutex
	closing context.Context // ends when Close begins
	close   context.CancelFunc
	file    *bbolt.DB // nil: not open
	writer  *writer
	locks   *locks

	mu       sync.Mutex
	prepared map[txn.XID]*branch
}

var _ participant.ResourceManager = (*Store)(nil)

// fileName is the store's file in its directory.
const fileName = "records.db"

// openWait is how long Open waits for another process to end: long enough for one that is ending now.
const openWait = time.Second

// mapped is how much of the file is mapped from the beginning: growing a mapping waits for readers.
const mapped = 256 << 20

// New makes a store; Open opens it.
func New(c Config) (*Store, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.LockTimeout == 0 {
		c.LockTimeout = 3 * time.Second
	}
	if c.Logger == nil {
		c.Logger = hclog.NewNullLogger()
	}
	s := &Store{config: c, log: c.Logger, turns: turns{busy: map[txn.XID]*turn{}}}
	s.closing, s.close = context.WithCancel(context.Background())
	return s, nil
}

// Kind is participant.KindEmbedded.
func (s *Store) Kind() string { return participant.KindEmbedded }

// Open opens the file, which holds other processes off by its lock, and gives prepared branches their locks. Once it is open
// there is nothing left to do for a newer incarnation.
func (s *Store) Open(context.Context, string, string, int32) error {
	if leave, err := s.enter(); err == nil {
		leave()
		return nil
	}
	s.life.Lock()
	defer s.life.Unlock()
	if s.closing.Err() != nil {
		return fmt.Errorf("open store: %w: %w", participant.ErrUnavailable, errClosed)
	}
	if s.file != nil {
		return nil
	}
	file, err := openFile(s.config.Dir)
	if err != nil {
		return fmt.Errorf("open store in %s: %w: %w", s.config.Dir, participant.ErrUnavailable, err)
	}
	l := newLocks(func(key string) (r record, err error) {
		err = file.View(func(tx *bbolt.Tx) error {
			r, err = readRecord(tx, key)
			return err
		})
		return r, err
	})
	prepared, err := loadFile(file, l)
	if err != nil {
		return errors.Join(fmt.Errorf("open store in %s: %w", s.config.Dir, err), file.Close())
	}
	s.file, s.locks, s.prepared, s.writer = file, l, prepared, startWriter(file, s.log)
	s.log.Info("store open", "dir", s.config.Dir, "prepared", len(prepared))
	return nil
}

func openFile(dir string) (*bbolt.DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := bbolt.Open(filepath.Join(dir, fileName), 0o600, &bbolt.Options{
		Timeout:         openWait,
		NoFreelistSync:  true, // it is found again when the file is opened, and costs no write at each commit
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: mapped,
	})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, ErrInUse
	}
	return file, err
}

// loadFile makes the buckets and gives the branches that were found prepared their locks.
func loadFile(file *bbolt.DB, l *locks) (prepared map[txn.XID]*branch, err error) {
	err = file.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{bucketRecords, bucketDeleted, bucketBranches, bucketMarkers, bucketSites} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		prepared, err = loadBranches(tx)
		return err
	})
	for _, b := range prepared {
		l.restore(b)
	}
	return prepared, err
}

// Close waits for the calls that are under way, ending their waits, and closes the file.
func (s *Store) Close() error {
	s.close()
	s.life.Lock()
	defer s.life.Unlock()
	if s.file == nil {
		return nil
	}
	s.writer.stop()
	err := s.file.Close()
	s.file = nil
	return err
}

// enter begins a call; leave ends it. It fails while the store is not open.
func (s *Store) enter() (leave func(), err error) {
	s.life.RLock()
	if s.file == nil || s.closing.Err() != nil {
		s.life.RUnlock()
		return nil, fmt.Errorf("%w: %w", participant.ErrUnavailable, errClosed)
	}
	if s.writer.broken() {
		s.life.RUnlock()
		return nil, fmt.Errorf("%w: %w", participant.ErrUnavailable, ErrBroken)
	}
	return s.life.RUnlock, nil
}
