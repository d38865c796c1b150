package load

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestAClosedLoopIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		measured := 0
		got, err := Run(t.Context(), Config{
			Clients: 3, Warmup: time.Second, Duration: 10 * time.Second, Measure: func() { measured++ },
			Do: func(_ context.Context, client int, _ int64) error {
				time.Sleep(90 * time.Millisecond)
				if client == 2 {
					return Reason("bounds")
				}
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if measured != 2 || got.Seconds != 10 || got.Done < 216 || got.Done > 222 || got.Failed["bounds"] < 108 || got.P50 != 90 || got.P999 != 90 {
			t.Errorf("measured %d times: %+v", measured, got)
		}
	})
}

func TestSoManyTransactionsAreMeasured(t *testing.T) {
	var did int64
	got, err := Run(t.Context(), Config{Transactions: 1000, Do: func(_ context.Context, _ int, n int64) error { did = n; return nil }})
	if err != nil || got.Done != 1000 || did < 1000 {
		t.Errorf("%d, %+v, %v", did, got, err)
	}
}

func TestAFailureEndsTheLoop(t *testing.T) {
	broken := errors.New("broken")
	_, err := Run(t.Context(), Config{Clients: 4, Duration: time.Hour, Do: func(_ context.Context, client int, n int64) error {
		if client == 3 && n > 10 {
			return broken
		}
		return nil
	}})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestPercentiles(t *testing.T) {
	var all []time.Duration
	for i := range 1000 {
		all = append(all, time.Duration(i+1)*time.Millisecond)
	}
	for q, want := range map[float64]float64{0.5: 500, 0.99: 990, 0.999: 999} {
		if got := percentile(all, q); got != want {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
	if got := percentile(nil, 0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestAProcessIsMeasured(t *testing.T) {
	before, err := CPU(os.Getpid(), true)
	if err != nil {
		t.Fatal(err)
	}
	for used := before; used < before+0.05; {
		if used, err = CPU(os.Getpid(), true); err != nil {
			t.Fatal(err)
		}
	}
	if size, err := Resident(os.Getpid()); err != nil || size < 1<<20 {
		t.Errorf("resident: %d, %v", size, err)
	}
}
