package sim

// rng is a small, fast generator (xorshift64*): a schedule is its seed, whatever the Go version.
type rng struct{ state uint64 }

func newRNG(seed uint64) rng {
	// splitmix64 spreads neighbouring seeds.
	seed += 0x9e3779b97f4a7c15
	seed = (seed ^ seed>>30) * 0xbf58476d1ce4e5b9
	seed = (seed ^ seed>>27) * 0x94d049bb133111eb
	return rng{(seed ^ seed>>31) | 1}
}

func (r *rng) next() uint64 {
	r.state ^= r.state >> 12
	r.state ^= r.state << 25
	r.state ^= r.state >> 27
	return r.state * 0x2545f4914f6cdd1d
}

// below gives a number from 0 to n-1; n is at least 1.
func (r *rng) below(n int) int { return int((r.next() >> 33) % uint64(n)) }

// chance is true once in n times.
func (r *rng) chance(n int) bool { return r.below(n) == 0 }
