package mysql

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// parseURL reads "mysql://user:password@host:port/database" into the driver's settings. "?socket=/path" goes to a Unix socket
// instead of the host; "?tls=" is true, false, skip-verify or preferred. The errors never quote the URL, for it may hold the
// password.
func parseURL(raw string) (*mysql.Config, error) {
	u, err := url.Parse(raw)
	if err != nil { // its text would quote the URL
		return nil, fmt.Errorf("read resource URL: %w", ErrURL)
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr = "tcp", address(u)
	cfg.User = u.User.Username()
	cfg.DBName = strings.TrimPrefix(u.Path, "/")
	cfg.Passwd, _ = u.User.Password()
	for name, values := range u.Query() {
		switch name {
		case "socket":
			cfg.Net, cfg.Addr = "unix", values[0]
		case "tls":
			cfg.TLSConfig = values[0]
		default:
			return nil, fmt.Errorf("read resource URL: %w: it knows socket and tls, not %q", ErrURL, name)
		}
	}
	switch {
	case u.Scheme != "mysql" || u.Fragment != "" || u.Opaque != "":
		return nil, fmt.Errorf("read resource URL: %w", ErrURL)
	case cfg.User == "":
		return nil, fmt.Errorf("read resource URL: %w: it names no user", ErrURL)
	case cfg.DBName == "" || strings.Contains(cfg.DBName, "/"):
		return nil, fmt.Errorf("read resource URL: %w: it names no database", ErrURL)
	case cfg.Addr == "":
		return nil, fmt.Errorf("read resource URL: %w: it names no host", ErrURL)
	}
	return cfg, nil
}

// address is the URL's host with MySQL's own port where it names none.
func address(u *url.URL) string {
	if u.Hostname() == "" {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	return net.JoinHostPort(u.Hostname(), port)
}
