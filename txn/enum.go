package txn

import "fmt"

// names is the text of a small enumeration, by its value.
type names[T ~uint8] []string

func (n names[T]) name(v T) string {
	if int(v) < len(n) {
		return n[v]
	}
	return fmt.Sprintf("%d", uint8(v))
}

func (n names[T]) text(v T) ([]byte, error) {
	if int(v) >= len(n) {
		return nil, fmt.Errorf("write %T: %w", v, ErrBadName)
	}
	return []byte(n[v]), nil
}

func (n names[T]) parse(b []byte, v *T) error {
	for i, s := range n {
		if s == string(b) {
			*v = T(i)
			return nil
		}
	}
	return fmt.Errorf("read %T: %w", *v, ErrBadName)
}
