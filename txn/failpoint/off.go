//go:build !failpoints

package failpoint

// Before is called when the act of p is next.
func Before(Point) {}

// After is called when the act of p has succeeded.
func After(Point) {}
