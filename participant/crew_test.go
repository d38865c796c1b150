package participant

import (
	"context"
	"testing"
	"testing/synctest"
)

func TestACrewWorksAtOnceAndStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c, release, begun := newCrew(), make(chan struct{}), make(chan struct{}, 9)
		for range 3 {
			c.do(ctx, func() { begun <- struct{}{}; <-release })
		}
		synctest.Wait()
		if len(begun) != 3 {
			t.Errorf("%d of 3 have begun", len(begun))
		}
		close(release)
		synctest.Wait()
		done := 0
		c.do(ctx, func() { done++ })
		synctest.Wait()
		cancel()
		c.wait()
		if done != 1 {
			t.Error("an idle goroutine did not work")
		}
	})
}
