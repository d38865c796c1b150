package conns

import "syscall"

// Allowed is how many connections a listener of this process may hold that is to serve so many requests at once: Most, or more
// where those need more, or what the limit on open files leaves beside what the process itself has open.
func Allowed(requests int) int {
	const others = 128 // ZooKeeper, databases, files
	wanted := max(Most, requests+2*Spare)
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur > uint64(wanted)+others {
		return wanted
	}
	return max(int(files.Cur)-others, int(files.Cur)/2)
}
