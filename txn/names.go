package txn

import "errors"

// ErrBadName is returned for a name or an id outside its alphabet or length. It never quotes the value.
var ErrBadName = errors.New("name is outside its alphabet or length")

// alphabet is a set of bytes.
type alphabet [256]bool

func newAlphabet(bytes string) (a alphabet) {
	for i := range len(bytes) {
		a[bytes[i]] = true
	}
	return a
}

const (
	lowerCase = "abcdefghijklmnopqrstuvwxyz"
	upperCase = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits    = "0123456789"
)

// Every record that is read is checked by these, a dozen times a transaction: regular expressions took a tenth of a coordinator's time.
var (
	keyAlphabet  = newAlphabet(lowerCase + digits)
	nameAlphabet = newAlphabet(lowerCase + digits + "._-")
	idAlphabet   = newAlphabet(lowerCase + upperCase + digits + "._-")
)

// holds tells whether s is of a's bytes only, and of least to most of them.
func (a *alphabet) holds(s string, least, most int) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for i := range len(s) {
		if !a[s[i]] {
			return false
		}
	}
	return true
}

// The longest name and id, and the length of a key.
const (
	maxName   = 63
	maxID     = 64
	keyLength = 26
)

// ValidName tells whether s may name a cluster, a participant or an operation: [a-z0-9][a-z0-9._-]{0,62}.
func ValidName(s string) bool { return nameAlphabet.holds(s, 1, maxName) && keyAlphabet[s[0]] }

// ValidID tells whether s may be a transaction's id as a client gives it: [A-Za-z0-9._-]{1,64}.
func ValidID(s string) bool { return idAlphabet.holds(s, 1, maxID) }

// Key names one submission: 26 characters of [a-z0-9], random and time-ordered, new for every submission, also when the same
// request is sent again. Votes, decisions, markers and XIDs carry it, never the client's id alone (R3).
type Key string

// Valid tells whether k has the shape of a key.
func (k Key) Valid() bool { return keyAlphabet.holds(string(k), keyLength, keyLength) }
