package sim

import (
	"slices"

	"github.com/medcommit/medcommit/txn"
)

// workKind is what a branch's payload asks of its database.
type workKind byte

const (
	workTake     workKind = 'w' // takes units from the stock, as an escrow
	workReadOnly workKind = 'r' // changes nothing
	workFails    workKind = 'f' // fails its own conditions
)

// stock is what every database begins with.
const stock = 6

// branch is a prepared branch.
type branch struct {
	xid   txn.XID
	units int
	bad   bool // its work had failed and should never have been prepared (R16)
}

// database is one site's: it outlives the site's processes, and any number of them may use it at once.
type database struct {
	prepared map[txn.Key]branch
	marked   map[txn.Key]branch // committed: the marker and what was committed with it
	undone   map[txn.Key]bool   // were prepared, and rolled back
	readonly map[txn.Key]bool   // were executed, and voted read-only
	row      txn.SiteRow
	hasRow   bool
	stock    int
}

func newDatabase() *database {
	return &database{
		prepared: map[txn.Key]branch{}, marked: map[txn.Key]branch{}, undone: map[txn.Key]bool{},
		readonly: map[txn.Key]bool{}, stock: stock,
	}
}

// backup copies the database.
func (d *database) backup() *database {
	c := newDatabase()
	for k, b := range d.prepared {
		c.prepared[k] = b
	}
	for k, b := range d.marked {
		c.marked[k] = b
	}
	for k := range d.undone {
		c.undone[k] = true
	}
	for k := range d.readonly {
		c.readonly[k] = true
	}
	c.row, c.hasRow, c.stock = d.row, d.hasRow, d.stock
	return c
}

// free is what may be taken whatever becomes of the undecided branches.
func (d *database) free() int {
	n := d.stock
	for _, b := range d.prepared {
		n -= b.units
	}
	return n
}

// prepare executes a branch's work and prepares it, or says why not. The marker is unique: work that was committed once is
// refused, and work that is prepared is not executed again.
func (d *database) prepare(x txn.XID, payload []byte, m mutation) txn.Ballot {
	if _, there := d.prepared[x.Key]; there {
		return txn.Commit()
	}
	if _, done := d.marked[x.Key]; done && m != noMarker {
		return txn.Commit()
	}
	if len(payload) < 2 {
		return txn.Abort(txn.DetailInternal)
	}
	units := int(payload[1])
	switch workKind(payload[0]) {
	case workReadOnly:
		d.readonly[x.Key] = true
		return txn.ReadOnly()
	case workFails:
		if m == noGuard {
			d.prepared[x.Key] = branch{xid: x, bad: true}
		}
		return txn.Abort(txn.DetailRows)
	default:
		if d.free() < units {
			b := txn.Abort(txn.DetailBounds)
			b.Retryable = d.stock >= units
			return b
		}
		d.prepared[x.Key] = branch{xid: x, units: units}
		return txn.Commit()
	}
}

// commit commits a prepared branch, or finds its marker.
func (d *database) commit(k txn.Key) txn.FinishResult {
	b, there := d.prepared[k]
	if there {
		delete(d.prepared, k)
		d.marked[k] = b
		d.stock -= b.units
		return txn.FinishDone
	}
	if _, done := d.marked[k]; done {
		return txn.FinishDone
	}
	return txn.FinishUnknown
}

// rollback ends a prepared branch and tells whether there was one.
func (d *database) rollback(k txn.Key) bool {
	_, there := d.prepared[k]
	if there {
		delete(d.prepared, k)
		d.undone[k] = true
	}
	return there
}

// list gives the prepared branches, in the order of their keys.
func (d *database) list() []txn.XID {
	out := make([]txn.XID, 0, len(d.prepared))
	for _, b := range d.prepared {
		out = append(out, b.xid)
	}
	slices.SortFunc(out, func(a, b txn.XID) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
	return out
}
