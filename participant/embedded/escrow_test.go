package embedded

import (
	"math/rand"
	"testing"
)

func number(n int64) decimal { return decimal{n: n} }

// TestEscrowKeepsEveryBound admits random additions, lets each end either way in random order, and checks at each commit that the
// bounds of the one that commits hold, and at the end that the sum is that of what was committed.
func TestEscrowKeepsEveryBound(t *testing.T) {
	waits, refusals := 0, 0
	for seed := int64(1); seed <= 3000; seed++ {
		r := rand.New(rand.NewSource(seed))
		e, value, sum := newEscrow(), number(r.Int63n(60)-20), number(0)
		initial := value
		for range 60 {
			if b := pick(r, e); b != nil && r.Intn(2) == 0 {
				value, sum = end(t, seed, r, e, b, value, sum)
				continue
			}
			a := randomAddition(r)
			switch e.admit(value, a) {
			case admitted:
				e.put(&branch{}, a)
			case mustWait:
				waits++
				if len(e.pending) == 0 {
					t.Fatalf("seed %d: nothing is pending, yet it must wait", seed)
				}
			case refused:
				refusals++
			}
		}
		for b := pick(r, e); b != nil; b = pick(r, e) {
			value, sum = end(t, seed, r, e, b, value, sum)
		}
		if got := initial.plus(sum); got.less(value) || value.less(got) {
			t.Fatalf("seed %d: the value is %v, want %v", seed, value, got)
		}
		if e.fall.sign() != 0 || e.rise.sign() != 0 || e.below.set || e.above.set {
			t.Fatalf("seed %d: an empty escrow holds %+v", seed, e)
		}
	}
	if waits == 0 || refusals == 0 {
		t.Errorf("%d waits and %d refusals: the test shows nothing", waits, refusals)
	}
}

func randomAddition(r *rand.Rand) *addition {
	a := &addition{}
	for range 1 + r.Intn(3) {
		by := number(r.Int63n(21) - 10)
		var minimum, maximum *decimal
		if r.Intn(3) > 0 {
			m := number(r.Int63n(30) - 25)
			minimum = &m
		}
		if r.Intn(3) == 0 {
			m := number(r.Int63n(60))
			maximum = &m
		}
		a.add(by, minimum, maximum)
	}
	return a
}

func pick(r *rand.Rand, e *escrow) *branch {
	n := 0
	if len(e.pending) > 0 {
		n = r.Intn(len(e.pending))
	}
	for b := range e.pending {
		if n == 0 {
			return b
		}
		n--
	}
	return nil
}

func end(t *testing.T, seed int64, r *rand.Rand, e *escrow, b *branch, value, sum decimal) (decimal, decimal) {
	t.Helper()
	a := e.pending[b]
	e.remove(b)
	if r.Intn(3) == 0 {
		return value, sum
	}
	for _, c := range a.Bounds {
		if outside(value.plus(c.Sum), c.Min, c.Max) {
			t.Fatalf("seed %d: at its commit %v is outside of a bound that was promised", seed, value.plus(c.Sum))
		}
	}
	return value.plus(a.Net), sum.plus(a.Net)
}

func TestEscrowAdmits(t *testing.T) {
	zero, hundred := number(0), number(100)
	take := func(n int64) *addition {
		a := &addition{}
		a.add(number(-n), &zero, nil)
		return a
	}
	give := func(n int64) *addition {
		a := &addition{}
		a.add(number(n), nil, &hundred)
		return a
	}
	e := newEscrow()
	for _, step := range []struct {
		value int64
		a     *addition
		want  admission
	}{
		{10, take(11), refused},
		{10, take(6), admitted},
		{10, take(6), mustWait},
		{10, give(50), admitted},
		{10, take(5), mustWait}, // the 50 may be rolled back
		{10, take(4), admitted},
		{10, give(60), mustWait},
		{10, give(91), refused},
		{10, give(40), admitted},
	} {
		got := e.admit(number(step.value), step.a)
		if got != step.want {
			t.Fatalf("with %d pending and %d: got %d, want %d", len(e.pending), step.value, got, step.want)
		}
		if got == admitted {
			e.put(&branch{}, step.a)
		}
	}
	// A minimum is about the value after the addition: what lifts the value over it is taken.
	lift := &addition{}
	lift.add(number(20), &hundred, nil)
	if got := newEscrow().admit(number(90), lift); got != admitted {
		t.Errorf("lifting over the minimum: got %d", got)
	}
}

func TestDecimal(t *testing.T) {
	for _, c := range []struct{ a, b, sum string }{
		{"1", "2", "3"},
		{"0.1", "0.2", "0.3"},
		{"9223372036854775807", "1", "9223372036854775808"},
		{"-9223372036854775808", "-1", "-9223372036854775809"},
		{"9223372036854775808", "-1", "9223372036854775807"},
		{"1e3", "-1E-3", "999.999"},
		{"-0.5", "0.5", "0"},
		{"1e-20", "1", "1.00000000000000000001"},
	} {
		a, okA := parseDecimal(c.a)
		b, okB := parseDecimal(c.b)
		if !okA || !okB {
			t.Fatalf("%s, %s are not read", c.a, c.b)
		}
		if got := a.plus(b).String(); got != c.sum {
			t.Errorf("%s + %s = %s, want %s", c.a, c.b, got, c.sum)
		}
		sum, _ := parseDecimal(c.sum)
		if got := sum.minus(b); got.less(a) || a.less(got) {
			t.Errorf("%s - %s = %s, want %s", c.sum, c.b, got, c.a)
		}
	}
	for _, bad := range []string{"", "x", "1/3", "0x10", "1_000", "1e99999999", "1e", "--1", "Inf", "NaN"} {
		if d, ok := parseDecimal(bad); ok {
			t.Errorf("%q is read as %v", bad, d)
		}
	}
}
