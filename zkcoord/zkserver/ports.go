package zkserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports that are looked through lie below those that the kernel gives to outgoing connections, so that a server that is
// stopped and started again finds its own still free.
const (
	firstPort = 15000
	lastPort  = 32000
	portTries = 2000
)

// FreePorts gives n different TCP ports of 127.0.0.1 that nothing listens on at the moment.
func FreePorts(n int) ([]int, error) {
	var ports []int
	for range portTries {
		if len(ports) == n {
			return ports, nil
		}
		port := firstPort + rand.IntN(lastPort-firstPort)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue // in use
		}
		// Held until all are found, so that none is given twice.
		defer l.Close()
		ports = append(ports, port)
	}
	return nil, fmt.Errorf("find free ports: %w", errors.New("nearly all are in use"))
}

// probePort finds that the port is in use before another's server there is taken for the one to be started.
func (c Config) probePort() error {
	l, err := net.Listen("tcp", net.JoinHostPort(c.Host, strconv.Itoa(c.Port)))
	if err != nil {
		return fmt.Errorf("start ZooKeeper on port %d: %w", c.Port, err)
	}
	return l.Close()
}
