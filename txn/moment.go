package txn

import "time"

// momentLayout is RFC 3339 with milliseconds, always three digits: what is compared or cut as text stays right.
const momentLayout = `"2006-01-02T15:04:05.000Z07:00"`

// Moment is a time as clients see it: in JSON RFC 3339 in UTC, with milliseconds.
type Moment struct{ time.Time }

// MarshalJSON writes the time.
func (m Moment) MarshalJSON() ([]byte, error) {
	return m.UTC().AppendFormat(make([]byte, 0, len(momentLayout)), momentLayout), nil
}

// moment is a wall clock's Unix milliseconds as a time, or nil for zero.
func moment(ms int64) *Moment {
	if ms == 0 {
		return nil
	}
	return &Moment{time.UnixMilli(ms).UTC()}
}
