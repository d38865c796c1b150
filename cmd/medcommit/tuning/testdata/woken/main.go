// Command woken tunes its runtime and is then woken a thousand times a second, until it is ended.
package main

import (
	"fmt"
	"time"

	"github.com/medcommit/medcommit/cmd/medcommit/tuning"
)

func main() {
	tuning.Runtime()
	fmt.Println("tuned")
	for range time.Tick(time.Millisecond) {
	}
}
