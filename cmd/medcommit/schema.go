package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/participant/mysql"
	"github.com/medcommit/medcommit/participant/postgres"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:     "schema postgres|mysql",
		GroupID: "roles",
		Short:   "Print the DDL of medcommit's own tables",
		Long: `Prints the DDL of the tables that medcommit keeps in a site's database, for a site whose role may not create them.
Otherwise they are made on first use.`,
		Example: `  medcommit schema postgres | psql pharmacy
  medcommit schema mysql | mariadb orders`,
		ValidArgs: []string{"postgres", "mysql"},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] != "postgres" && args[0] != "mysql" {
				return errors.New("name the kind of database: postgres or mysql")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			text := postgres.Schema
			if args[0] == "mysql" {
				text = mysql.Schema
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), strings.TrimSpace(text))
			return err
		},
	}
}
