package sim

import "time"

// fault is one kind of trouble.
type fault uint8

const (
	faultCut       fault = iota // connections break
	faultExpire                 // sessions expire
	faultQueue                  // what is asked while suspended runs later, also under a session of the library's own
	faultLag                    // servers lag behind
	faultCrash                  // coordinators crash
	faultCrashSite              // participants crash
	faultZombie                 // a process is started while the old one still runs
	faultElect                  // anybody is told to lead at any time
	faultWithdraw               // operators withdraw branches
	faultWish                   // clients ask for an abort
	faultDeadline               // transactions have little time
	faultTwice                  // ids are submitted more than once
	faultReuse                  // ids are used with other bodies
	faultLarge                  // payloads go in parts
	faultLate                   // calls to a database end late, also after their process
	faultLookup                 // the answer to PREPARE is lost
	faultDatabase               // databases fail for a moment
	faultPoison                 // a branch cannot be finished
	faultRestore                // a database is restored from a backup
	faultRollOver               // generations are small
	faultForget                 // the retention is short
	faultRefuse                 // work fails its conditions
	faultReadOnly               // branches are read-only
	faultSlow                   // processes run at very different speeds
	faultLazy                   // a process is late with one log
	faultSmall                  // multis are small
	faultOperator               // operators settle branches by hand
	faultCount
)

// faults is a set of them.
type faults uint32

func (f faults) has(k fault) bool { return f&(1<<k) != 0 }

// choose gives a schedule its faults: each with a chance that is itself chosen, so that schedules with few and with many are tried
// (swarm testing: Groce and others, 2012).
func (w *world) choose() {
	switch in := 2 + w.rng.below(8); {
	case in < 6:
		for k := range faultCount {
			if w.rng.chance(in) {
				w.faults |= 1 << k
			}
		}
	case in < 8:
		for range 2 + w.rng.below(4) {
			w.faults |= 1 << w.rng.below(int(faultCount))
		}
	default:
		theme := themes[w.rng.below(len(themes))]
		for k := range faultCount {
			if theme.has(k) && !w.rng.chance(5) {
				w.faults |= 1 << k
			}
		}
	}
	w.ids = 1
	if w.rng.chance(2) {
		w.ids += w.rng.below(4)
	}
	w.leaps = 4 + w.rng.below(40)
	w.sleeps, w.wakes = 3+w.rng.below(8), 2+w.rng.below(8)
	if !w.rng.chance(8) {
		w.faults &^= 1 << faultRestore
	}
	if w.faults.has(faultRollOver) {
		w.generation = int32(2 + w.rng.below(3))
	}
	if w.faults.has(faultSmall) {
		w.maxOps, w.siteOps = 4+w.rng.below(5), 3+w.rng.below(4)
		if w.faults.has(faultLarge) {
			w.siteOps++ // a payload's head and part go in one multi
		}
	}
	w.retention = time.Minute
	if w.faults.has(faultForget) {
		w.retention = time.Duration(200+w.rng.below(800)) * time.Millisecond
	}
	w.sweepAfter = time.Duration(100+w.rng.below(400)) * time.Millisecond
	w.withdrawAfter = 0
	if w.rng.chance(2) {
		w.withdrawAfter = time.Duration(200+w.rng.below(1000)) * time.Millisecond
	}
}

// themes are faults that belong together: those that a rule is about.
var themes = [...]faults{
	1<<faultForget | 1<<faultTwice,                                                        // R11, R15
	1<<faultForget | 1<<faultTwice | 1<<faultLazy | 1<<faultElect,                         // R11
	1<<faultForget | 1<<faultSmall | 1<<faultCrashSite | 1<<faultTwice | 1<<faultPoison,   // R11, R14
	1<<faultForget | 1<<faultSmall | 1<<faultCrashSite | 1<<faultExpire,                   // R11
	1<<faultWithdraw | 1<<faultZombie | 1<<faultLag | 1<<faultLazy,                        // R9, R5
	1<<faultWithdraw | 1<<faultExpire | 1<<faultLag | 1<<faultSlow,                        // R2
	1<<faultWithdraw | 1<<faultCrashSite | 1<<faultExpire | 1<<faultLate | 1<<faultPoison, // R9, R8
	1<<faultCut | 1<<faultLag | 1<<faultElect | 1<<faultWish | 1<<faultQueue,              // R4, R6
	1<<faultZombie | 1<<faultLate | 1<<faultLookup | 1<<faultRefuse | 1<<faultCrashSite,   // R16, R7
	1<<faultLarge | 1<<faultForget | 1<<faultLag | 1<<faultElect,                          // payloads
	1<<faultRollOver | 1<<faultTwice | 1<<faultLazy | 1<<faultElect | 1<<faultWithdraw,    // generations
	1<<faultExpire | 1<<faultQueue | 1<<faultWithdraw | 1<<faultZombie | 1<<faultCut,      // R5
	1<<faultOperator | 1<<faultPoison | 1<<faultCrashSite | 1<<faultDeadline,              // R13
	1<<faultOperator | 1<<faultExpire | 1<<faultWish | 1<<faultLate | 1<<faultCut,         // R13, R9
	1<<faultOperator | 1<<faultForget | 1<<faultSmall | 1<<faultExpire | 1<<faultPoison,   // R13, R11
}

// maxForgotten is the longest retention after which a schedule waits for history to be empty.
const maxForgotten = 10 * time.Second
