package failover

import (
	"bufio"
	"net/http"
	"strconv"
	"strings"
)

// measured gives how many fail-overs the coordinators that answer have measured, and the seconds that they took in all.
func (r *rig) measured(except string) (count, sum float64) {
	r.t.Helper()
	for _, c := range r.Describe().Coordinators {
		if c.ID == except {
			continue
		}
		res, err := http.Get(c.URL + "/metrics")
		if err != nil {
			r.t.Fatal(err)
		}
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() {
			name, text, _ := strings.Cut(lines.Text(), " ")
			value, _ := strconv.ParseFloat(text, 64)
			switch name {
			case "medcommit_failover_duration_seconds_count":
				count += value
			case "medcommit_failover_duration_seconds_sum":
				sum += value
			}
		}
		res.Body.Close()
	}
	return count, sum
}
