package zkcoord

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-zookeeper/zk"

	"github.com/medcommit/medcommit/txn"
	"github.com/medcommit/medcommit/txn/failpoint"
)

// Folders of the root that package txn does not name.
const (
	electionPath     = "election"
	coordinatorsPath = "coordinators"
	participantsPath = "participants"
	drainedPath      = "drained"
	payloadsPath     = "payloads"
)

// clusterRecord is the data of the node "cluster".
type clusterRecord struct {
	Cluster string `json:"cluster"`
	Format  int    `json:"format"`
}

// Cluster waits for a session and gives the cluster's short code, having made the layout of the root where it was missing. Its
// error wraps txn.ErrFormat where ZooKeeper's records are newer than this program. Many may call it at once.
func (d *Driver) Cluster(ctx context.Context) (string, error) {
	for {
		data, _, err := d.get(ctx, d.path(txn.ClusterPath))
		switch {
		case err == nil:
			return readCluster(data)
		case !errors.Is(err, zk.ErrNoNode):
			return "", fmt.Errorf("read the cluster's code: %w", err)
		}
		if err := d.makeLayout(ctx); err != nil {
			return "", fmt.Errorf("make the cluster's layout: %w", err)
		}
	}
}

func readCluster(data []byte) (string, error) {
	var c clusterRecord
	if err := json.Unmarshal(data, &c); err != nil || c.Format < 1 {
		return "", fmt.Errorf("read the cluster's code: %w", errUndecodable)
	}
	if c.Format > txn.FormatVersion {
		return "", fmt.Errorf("read the cluster's code, format %d: %w", c.Format, txn.ErrFormat)
	}
	if !txn.ValidCluster(c.Cluster) {
		return "", fmt.Errorf("read the cluster's code: %w", txn.ErrBadName)
	}
	return c.Cluster, nil
}

// makeLayout makes all nodes of the root in one request, so that whoever finds "cluster" finds all of them. It succeeds where
// another was faster.
func (d *Driver) makeLayout(ctx context.Context) error {
	if err := d.makeRoot(ctx); err != nil {
		return err
	}
	code := strings.ToLower(rand.Text())[:8]
	ops := []any{
		create(d.path(txn.ClusterPath), record(clusterRecord{Cluster: code, Format: txn.FormatVersion})),
		create(d.path(txn.EpochPath), record(txn.EpochRecord{})),
		create(d.path(txn.HorizonPath), nil),
	}
	for _, folder := range []string{electionPath, coordinatorsPath, participantsPath, drainedPath, payloadsPath} {
		ops = append(ops, create(d.path(folder), nil))
	}
	for _, kind := range []txn.LogKind{txn.Transactions, txn.Decisions, txn.History} {
		ops = append(ops, d.createLog(txn.Log{Kind: kind})...)
	}
	failpoint.Before(failpoint.Layout)
	err := d.createOnce(ctx, ops)
	if err == nil {
		failpoint.After(failpoint.Layout)
	}
	return err
}

func (d *Driver) makeRoot(ctx context.Context) error {
	path := ""
	for name := range strings.SplitSeq(d.cfg.Root[1:], "/") {
		path += "/" + name
		if err := d.createOnce(ctx, []any{create(path, nil)}); err != nil {
			return err
		}
	}
	return nil
}

func (d *Driver) createLog(log txn.Log) []any {
	return []any{create(d.path(log.Path()), nil), create(d.path(log.GenerationPath(1)), nil)}
}

// Register waits for a session and gives the cluster's short code, having made the layout and the participant's folder where they
// were missing; the folder's data is the registration. Its errors are those of Cluster.
func (d *Driver) Register(ctx context.Context, name string, registration txn.Registration) (string, error) {
	if !txn.ValidName(name) {
		return "", fmt.Errorf("register participant: %w", txn.ErrBadName)
	}
	cluster, err := d.Cluster(ctx)
	if err != nil {
		return "", err
	}
	folder := d.path(participantsPath + "/" + name)
	data := record(registration)
	for {
		was, stat, err := d.get(ctx, folder)
		switch {
		case err == nil && string(was) == string(data):
			return cluster, d.createOnce(ctx, d.inventoryNodes(name)) // a folder of an older program has none
		case err == nil:
			err = d.set(ctx, folder, data, stat.Version)
		case errors.Is(err, zk.ErrNoNode):
			failpoint.Before(failpoint.Register)
			if err = d.createOnce(ctx, d.participantFolder(name, data)); err == nil {
				failpoint.After(failpoint.Register)
			}
		}
		if err != nil && !errors.Is(err, zk.ErrBadVersion) {
			return "", fmt.Errorf("register participant: %w", err)
		}
	}
}

func (d *Driver) participantFolder(name string, registration []byte) []any {
	ops := []any{
		create(d.path(participantsPath+"/"+name), registration),
		create(d.path(txn.IncarnationPath(name)), record(txn.Incarnation{})),
		create(d.path(txn.SessionsPath(name)), nil),
		create(d.path(txn.AppliedPath(name)), record(txn.Applied{})),
	}
	ops = append(ops, d.inventoryNodes(name)...)
	ops = append(ops, d.createLog(txn.Log{Kind: txn.Inbox, Participant: name})...)
	return append(ops, d.createLog(txn.Log{Kind: txn.Votes, Participant: name})...)
}

func (d *Driver) inventoryNodes(name string) []any {
	return []any{create(d.path(txn.InventoryPath(name)), nil), create(d.path(txn.InDoubtPath(name)), nil)}
}

func create(path string, data []byte) any {
	return &zk.CreateRequest{Path: path, Data: data, Acl: zk.WorldACL(zk.PermAll)}
}

// record is the JSON of one of our own records, which always has one.
func record(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("zkcoord: encode a %T: %v", v, err))
	}
	return b
}
