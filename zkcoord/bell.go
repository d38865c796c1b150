package zkcoord

// bell wakes the one who waits on it, at once where it was rung before.
type bell chan struct{}

func newBell() bell { return make(bell, 1) }

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}
