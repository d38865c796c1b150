package tuning

import (
	"runtime"
	"testing"
)

var garbage []byte

// TestRoomyHeap allocates 64 MiB of garbage beside a small live heap: Go alone collects it some fifteen times.
func TestRoomyHeap(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	roomyHeap()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 64 << 10 {
		garbage = make([]byte, 1<<10)
	}
	runtime.ReadMemStats(&after)
	if n := after.NumGC - before.NumGC; n > 4 {
		t.Errorf("64 MiB of garbage were collected in %d goes", n)
	}
	if resident := after.HeapAlloc; resident < reserve {
		t.Errorf("the reserve is gone: %d bytes live", resident)
	}
}
