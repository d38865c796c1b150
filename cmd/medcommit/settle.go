package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const envPrefix = "MEDCOMMIT_"

// settle fills the flags that were not given from the environment, and then from the file of --config. An unknown key of the file
// is an error that names it.
func settle(cmd *cobra.Command) error {
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if value, ok := os.LookupEnv(envName(f.Name)); ok && !f.Changed {
			if err := cmd.Flags().Set(f.Name, value); err != nil {
				errs = append(errs, fmt.Errorf("%s: it does not fit --%s", envName(f.Name), f.Name))
			}
		}
	})
	if err := errors.Join(errs...); err != nil {
		return wrongUsage(err)
	}
	file, err := cmd.Flags().GetString("config")
	if err != nil || file == "" {
		return err
	}
	return wrongUsage(settleFile(cmd.Flags(), file))
}

func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func settleFile(flags *pflag.FlagSet, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read --config: %w", err)
	}
	var settings yaml.MapSlice
	if err := yaml.Unmarshal(text, &settings); err != nil {
		return fmt.Errorf("read --config %s: it is not a YAML mapping of settings", file)
	}
	for _, s := range settings {
		key := fmt.Sprint(s.Key)
		f := flags.Lookup(key)
		if f == nil || slices.Contains([]string{"config", "help"}, key) {
			return fmt.Errorf("read --config %s: unknown key %q", file, key)
		}
		if f.Changed {
			continue
		}
		if err := flags.Set(key, settingText(s.Value)); err != nil {
			return fmt.Errorf("read --config %s: the value of %q does not fit", file, key)
		}
	}
	return nil
}

// settingText writes a YAML value as its flag takes it: a list with commas.
func settingText(value any) string {
	list, ok := value.([]any)
	if !ok {
		return fmt.Sprint(value)
	}
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ",")
}
