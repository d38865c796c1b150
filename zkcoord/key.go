package zkcoord

import (
	"crypto/rand"
	"time"

	"github.com/medcommit/medcommit/txn"
)

// keyAlphabet is in the order of its bytes, so that keys sort as the numbers they write.
const keyAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// keyTime is how many characters of a key are time: 55 bits of microseconds since 1970. The rest, 75 bits, is random.
const keyTime = 11

// newKey makes the key of a submission that is handed in at now.
func newKey(now time.Time) txn.Key {
	var key [26]byte
	micros := uint64(now.UnixMicro())
	for i := keyTime - 1; i >= 0; i-- {
		key[i] = keyAlphabet[micros&31]
		micros >>= 5
	}
	randomText(key[keyTime:])
	return txn.Key(key[:])
}

// newNonce makes 16 random characters, 80 bits.
func newNonce() string {
	var nonce [16]byte
	randomText(nonce[:])
	return string(nonce[:])
}

func randomText(text []byte) {
	rand.Read(text) // it never fails
	for i, b := range text {
		text[i] = keyAlphabet[b&31]
	}
}
