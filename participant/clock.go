package participant

import (
	"fmt"
	"time"
)

// clockPatience is what clocks may differ by: they decide nothing, but people compare the times in logs and records.
const clockPatience = 2 * time.Second

// CompareClock finds whether a clock is right: offset is it less this process's own.
func CompareClock(offset time.Duration) Finding {
	text := offset.Abs().Round(100 * time.Millisecond).String()
	switch {
	case offset > clockPatience:
		text += " ahead of"
	case offset < -clockPatience:
		text += " behind"
	default:
		return Finding{Level: FindingGood, What: "its clock agrees with this machine's"}
	}
	return Finding{
		FindingWarning, fmt.Sprintf("its clock is %s this machine's", text),
		"synchronise the clocks (NTP): transactions do not depend on them, but the ages and times that are shown do",
	}
}
