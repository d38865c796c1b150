// Package dbtest starts private database servers for tests from the installed binaries: on a free port of 127.0.0.1, in a folder of
// their own, as an unprivileged user where the test runs as root. It never uses or touches a system service. A server dies with
// the process that started it, can be killed as by a power cut, and started again on the same port and data.
package dbtest
