package sim

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/medcommit/medcommit/txn"
)

func TestProbe(t *testing.T) {
	n := map[string]int{}
	for s := uint64(1); s <= 4000; s++ {
		w := newSchedule(s, noMutation, false)
		w.run()
		for path, node := range w.zk.nodes {
			if !strings.HasSuffix(path, "/applied") {
				continue
			}
			for _, st := range node.stamps {
				var a txn.Applied
				if json.Unmarshal(st.data, &a) == nil && a.From.Before(a.At) {
					n["from before at"]++
					if w.faults.has(faultSmall) {
						n["from before at, small"]++
					}
				}
				if len(a.Needs) > 0 {
					n["needs"]++
				}
			}
		}
		if w.faults.has(faultSmall) {
			n["small"]++
		}
	}
	t.Log(n)
}
