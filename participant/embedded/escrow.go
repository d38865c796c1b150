package embedded

// addition is what one branch adds to one field, kept as long as the branch is undecided.
type addition struct {
	Net    decimal `json:"net"`
	Bounds []bound `json:"bounds,omitempty"`
}

// bound is one operation's demand: the value after the branch's additions up to it, Sum, is between Min and Max.
type bound struct {
	Sum decimal  `json:"sum"`
	Min *decimal `json:"min,omitempty"`
	Max *decimal `json:"max,omitempty"`
}

// add puts one more operation of the same branch to the addition.
func (a *addition) add(by decimal, minimum, maximum *decimal) {
	a.Net = a.Net.plus(by)
	if minimum != nil || maximum != nil {
		a.Bounds = append(a.Bounds, bound{Sum: a.Net, Min: minimum, Max: maximum})
	}
}

// fall and rise are what the addition does to the lowest and the highest value possible.
func (a *addition) fall() decimal {
	if a.Net.sign() < 0 {
		return a.Net
	}
	return decimal{}
}

func (a *addition) rise() decimal {
	if a.Net.sign() > 0 {
		return a.Net
	}
	return decimal{}
}

// escrow is all that is pending on one field. With value the committed one, a bound Min of a pending addition holds whatever the
// outcomes if value + fall + slack >= 0 where fall is the sum of all decreases and slack = Sum - own fall - Min; so the smallest
// slack stands for all. Likewise upwards.
type escrow struct {
	pending    map[*branch]*addition
	fall, rise decimal
	below      slack // the smallest room under the lowest value possible
	above      slack // the smallest room over the highest
}

type slack struct {
	room decimal
	set  bool
}

func (s *slack) take(room decimal) {
	if !s.set || room.less(s.room) {
		*s = slack{room, true}
	}
}

func newEscrow() *escrow { return &escrow{pending: map[*branch]*addition{}} }

func (e *escrow) put(b *branch, a *addition) {
	e.pending[b] = a
	e.count(a)
}

func (e *escrow) count(a *addition) {
	e.fall = e.fall.plus(a.fall())
	e.rise = e.rise.plus(a.rise())
	for _, c := range a.Bounds {
		if c.Min != nil {
			e.below.take(c.Sum.minus(a.fall()).minus(*c.Min))
		}
		if c.Max != nil {
			e.above.take(c.Max.minus(c.Sum).plus(a.rise()))
		}
	}
}

func (e *escrow) remove(b *branch) {
	delete(e.pending, b)
	e.fall, e.rise, e.below, e.above = decimal{}, decimal{}, slack{}, slack{}
	for _, a := range e.pending {
		e.count(a)
	}
}

// admission is the answer to a wish to add.
type admission uint8

const (
	admitted admission = iota + 1
	mustWait           // refused by what is pending only: it may be admitted when that is decided
	refused            // refused by the committed value
)

// admit tells whether a may join what is pending on a field with the committed value.
func (e *escrow) admit(value decimal, a *addition) admission {
	for _, c := range a.Bounds {
		result := value.plus(c.Sum)
		if (c.Min != nil && result.less(*c.Min)) || (c.Max != nil && c.Max.less(result)) {
			return refused
		}
	}
	both := escrow{fall: e.fall, rise: e.rise, below: e.below, above: e.above}
	both.count(a)
	lowest, highest := value.plus(both.fall), value.plus(both.rise)
	if both.below.set && lowest.plus(both.below.room).sign() < 0 {
		return mustWait
	}
	if both.above.set && both.above.room.less(highest) {
		return mustWait
	}
	return admitted
}
