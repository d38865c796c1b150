// Package demo is the guided run: some hundred patients' prescriptions over three sites, with a leader and a site killed in the
// middle, and an audit that reads the sites' own stores and nothing else.
package demo
