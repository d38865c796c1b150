// Package api is the outside of the transaction manager: HTTP by CONTRACT.md, and the Go client of it.
package api
