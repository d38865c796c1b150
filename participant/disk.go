package participant

import (
	"fmt"
	"path/filepath"
	"syscall"
)

// What is little room on a disk, in bytes.
const (
	fullDisk    = 256 << 20
	fillingDisk = 2 << 30
)

// LookAtDisk finds how much is free on the disk of dir, a data folder on this machine that may not be made yet.
func LookAtDisk(dir string) Finding {
	var fs syscall.Statfs_t
	for syscall.Statfs(dir, &fs) != nil {
		up := filepath.Dir(dir)
		if up == dir {
			return Finding{FindingWarning, "free disk at its data folder is not known", "run medcommit doctor as one who may look there"}
		}
		dir = up // a folder that is not made yet, or not to be looked into
	}
	free := fs.Bavail * uint64(fs.Bsize)
	what := fmt.Sprintf("%.1f GiB are free at its data folder", float64(free)/(1<<30))
	switch {
	case free < fullDisk:
		return Finding{FindingFault, what, "make room: what cannot be written is not committed"}
	case free < fillingDisk:
		return Finding{FindingWarning, what, "make room before nothing can be committed any more"}
	}
	return Finding{Level: FindingGood, What: what}
}
