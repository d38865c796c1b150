package txn

// What a record takes in a request, in bytes, estimated from above without encoding it.
const (
	submissionBytes = 320
	prepareBytes    = 160
	decisionBytes   = 320
	castVoteBytes   = 192
	checkBytes      = 96
)

// merger merges submissions into one multi.
type merger struct {
	c       *Coordinator
	records Segment
	inboxes map[string]*Segment
	order   []string
	heads   []Op
	bytes   int
}

func newMerger(c *Coordinator) *merger {
	return &merger{c: c, records: Segment{Batch: c.batch()}, inboxes: map[string]*Segment{}, bytes: checkBytes}
}

func weigh(h *handing) int {
	n := submissionBytes
	for i := range h.Prepares {
		n += len(h.Submission.Participants[i]) + prepareBytes + len(h.Prepares[i].Payload)*4/3
	}
	return n
}

// fits tells whether h may join without breaking the limits of one request. Every log takes two operations: its check and its append.
func (m *merger) fits(h *handing) bool {
	ops := 3 + 2*len(m.inboxes) + len(m.heads)
	for i, p := range h.Submission.Participants {
		if m.inboxes[p] == nil {
			ops += 2
		}
		if h.Prepares[i].Head != "" {
			ops++
		}
	}
	return ops <= m.c.cfg.MaxOps && m.bytes+weigh(h) <= m.c.cfg.MaxBytes
}

func (m *merger) add(h *handing) {
	m.bytes += weigh(h)
	m.records.Submissions = append(m.records.Submissions, h.Submission)
	for i, p := range h.Submission.Participants {
		in := m.inboxes[p]
		if in == nil {
			in = &Segment{Batch: m.records.Batch}
			m.inboxes[p] = in
			m.order = append(m.order, p)
		}
		in.Prepares = append(in.Prepares, h.Prepares[i])
		if head := h.Prepares[i].Head; head != "" {
			m.heads = append(m.heads, Op{Kind: OpSet, Path: HeadPath(head), Version: 0})
		}
	}
}

func (m *merger) ops() []Op {
	ops := []Op{
		{Kind: OpCheck, Path: HorizonPath, Version: m.c.horizon},
		m.c.appendTo(transactionsLog, &m.records),
	}
	for _, p := range m.order {
		ops = append(ops, m.c.appendTo(Log{Kind: Inbox, Participant: p}, m.inboxes[p]))
	}
	return append(ops, m.heads...)
}
