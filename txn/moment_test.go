package txn

import (
	"encoding/json"
	"testing"
	"time"
)

// A time has as many digits in each answer, also where they are zeros, and is read back as it was.
func TestMomentHasAFixedWidth(t *testing.T) {
	for ms, want := range map[int64]string{
		1_795_789_440_000: `"2026-11-27T14:24:00.000Z"`,
		1_795_789_440_120: `"2026-11-27T14:24:00.120Z"`,
		1_795_789_440_123: `"2026-11-27T14:24:00.123Z"`,
	} {
		m := moment(ms)
		m.Time = m.In(time.FixedZone("elsewhere", 3600))
		text, err := json.Marshal(struct{ At *Moment }{m})
		if err != nil || string(text) != `{"At":`+want+`}` {
			t.Errorf("%d is %s, %v", ms, text, err)
		}
		var back struct{ At Moment }
		if err := json.Unmarshal(text, &back); err != nil || back.At.UnixMilli() != ms {
			t.Errorf("%s is read as %v, %v", text, back.At, err)
		}
	}
	if text, err := json.Marshal(struct {
		At *Moment `json:",omitempty"`
	}{}); err != nil || string(text) != "{}" {
		t.Errorf("no time is %s, %v", text, err)
	}
}
