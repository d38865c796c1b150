// Command woken tunes its runtime, with the argument threads also while it runs, and is then woken a thousand times a second, until it
// is ended.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/medcommit/medcommit/cmd/medcommit/tuning"
)

func main() {
	tuning.Runtime()
	if len(os.Args) > 1 && os.Args[1] == "threads" {
		go tuning.Threads(context.Background())
	}
	fmt.Println("tuned")
	for range time.Tick(time.Millisecond) {
	}
}
