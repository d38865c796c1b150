package zkcoord

import (
	"sort"
	"strconv"
	"strings"
)

const sequenceDigits = 10

// candidate is one coordinator's place in the election: the node "election/ID_NONCE_" and ZooKeeper's ten digits.
type candidate struct {
	name   string
	id     string
	nonce  string
	number int
}

func (c candidate) path() string { return electionPath + "/" + c.name }

// candidatePrefix is what a candidate's node is created as, before the digits.
func candidatePrefix(id, nonce string) string {
	return electionPath + "/" + id + "_" + nonce + "_"
}

// parseCandidate reads a node's name; false for a node that is not ours.
func parseCandidate(name string) (candidate, bool) {
	last := strings.LastIndexByte(name, '_')
	if last < 0 || len(name)-last-1 != sequenceDigits {
		return candidate{}, false
	}
	number, err := strconv.Atoi(name[last+1:])
	if err != nil {
		return candidate{}, false
	}
	middle := strings.LastIndexByte(name[:last], '_')
	if middle <= 0 || middle+1 == last {
		return candidate{}, false
	}
	return candidate{name: name, id: name[:middle], nonce: name[middle+1 : last], number: number}, true
}

// parseQueue gives the candidates among names in the order in which they came.
func parseQueue(names []string) []candidate {
	queue := make([]candidate, 0, len(names))
	for _, name := range names {
		if c, ok := parseCandidate(name); ok {
			queue = append(queue, c)
		}
	}
	sort.Slice(queue, func(i, j int) bool { return queue[i].number < queue[j].number })
	return queue
}
