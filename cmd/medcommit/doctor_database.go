package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/medcommit/medcommit/participant"
	"github.com/medcommit/medcommit/participant/mysql"
	"github.com/medcommit/medcommit/participant/postgres"
)

// lookAtResource looks at the database that --resource names.
func (d *doctor) lookAtResource(ctx context.Context) error {
	if d.resource == "" {
		return nil
	}
	var findings []participant.Finding
	scheme, rest, _ := strings.Cut(d.resource, ":")
	switch scheme {
	case "embedded":
		if rest == "" {
			rest = filepath.Join(d.data, "embedded")
		}
		findings = lookAtStore(rest)
	case "postgres", "postgresql":
		findings = postgres.Check(ctx, postgres.Config{URL: d.resource, PasswordFile: d.passwordFile}, d.cluster, d.name)
	case "mysql":
		cfg := mysql.Config{URL: d.resource, PasswordFile: d.passwordFile, Log: hclog.NewNullLogger()}
		findings = mysql.Check(ctx, cfg, d.cluster, d.name)
	default:
		return wrongUsage(errors.New("--resource: it must be embedded:DIR, postgres://USER@HOST/DB or mysql://USER@HOST/DB"))
	}
	for _, f := range findings {
		d.add("database", f)
	}
	return nil
}

// lookAtStore looks at the folder of an embedded store. The store itself is its participant's, which has it locked.
func lookAtStore(dir string) []participant.Finding {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return []participant.Finding{{
			Level: participant.FindingWarning, What: "the store's folder is not there; it is made when the participant starts",
			Remedy: "nothing, or correct --resource or --data",
		}, participant.LookAtDisk(dir)}
	case err != nil || !info.IsDir():
		return []participant.Finding{{
			Level: participant.FindingFault, What: "the store's folder cannot be used", Remedy: "correct --resource or --data, or its rights",
		}}
	}
	found := []participant.Finding{participant.LookAtDisk(dir)}
	if info.Mode().Perm()&0o077 != 0 {
		found = append(found, participant.Finding{
			Level: participant.FindingWarning, What: "others than its owner may look into the store's folder", Remedy: "chmod 700 it",
		})
	}
	return found
}
