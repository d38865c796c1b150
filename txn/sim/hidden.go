package sim

import "github.com/medcommit/medcommit/txn"

// With R5's discarding switched off, a participant's machine is not told of its new session: the incarnation is moved behind its
// back, and it goes on with all that it had read before.

// hideEnd ends a session behind the machine's back: its multis are lost, its reads are asked again.
func (w *world) hideEnd(p *process) {
	l := &p.link
	reads := l.asked[:0:0]
	for _, e := range l.asked {
		if _, ok := e.(txn.Multi); !ok {
			reads = append(reads, e)
		}
	}
	w.drainAsked(p)
	l.asked = reads
	l.sess = nil
	p.mutant.hidden = true
}

// hideBegin moves the incarnation as the machine should have done.
func (w *world) hideBegin(p *process) {
	path := txn.IncarnationPath(p.name)
	st := w.zk.lookup(path).now()
	w.zk.apply(p.link.sess, []txn.Op{{Kind: txn.OpSet, Path: path, Version: st.version, Data: []byte(`{"process":"` + p.nonce + `"}`)}})
	p.mutant.fixed = st.version + 1
	p.ready = true
}

// rebase makes the machine's checks name the incarnation that was made behind its back.
func rebase(p *process, ops []txn.Op) []txn.Op {
	if p.mutant.fixed == 0 {
		return ops
	}
	path := txn.IncarnationPath(p.name)
	out := append([]txn.Op(nil), ops...)
	for i := range out {
		if out[i].Kind == txn.OpCheck && out[i].Path == path {
			out[i].Version = p.mutant.fixed
		}
	}
	return out
}
