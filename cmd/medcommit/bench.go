package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/medcommit/medcommit/cmd/medcommit/bench"
	"github.com/medcommit/medcommit/cmd/medcommit/load"
	"github.com/medcommit/medcommit/cmd/medcommit/tuning"
)

// benchFlags are those of "medcommit bench" and "medcommit bench floor".
type benchFlags struct {
	clients      int
	warmup       time.Duration
	duration     time.Duration
	transactions int64
}

func (f *benchFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&f.clients, "clients", 16, "how many transactions are under way at once")
	flags.DurationVar(&f.warmup, "warmup", 2*time.Second, "how long it runs before it is measured")
	flags.DurationVar(&f.duration, "duration", 10*time.Second, "how long it is measured")
	flags.Int64Var(&f.transactions, "transactions", 0, "end after so many transactions, whatever --duration says")
}

func (f *benchFlags) load() (load.Config, error) {
	if f.clients < 1 || f.duration <= 0 || f.warmup < 0 || f.transactions < 0 {
		return load.Config{}, wrongUsage(errors.New("--clients and --duration must be positive, --warmup and --transactions not negative"))
	}
	tuning.Runtime()
	c := load.Config{Clients: f.clients, Warmup: f.warmup, Duration: f.duration, Transactions: f.transactions}
	if f.transactions > 0 {
		c.Duration = 0
	}
	return c, nil
}

func newBench() *cobra.Command {
	var f benchFlags
	var workload, zookeeper string
	var participants []string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:     "bench",
		GroupID: "client",
		Short:   "Put load on a cluster and measure it",
		Long: `Puts load on a cluster in a closed loop and reports throughput, latency, aborts by reason, the CPU time of every process
and whether the sums are conserved. The sites are open embedded stores, or databases with the table that "medcommit bench
tables" makes and the catalogue that "medcommit bench operations" prints.`,
		Example: `  medcommit bench --clients 64 --duration 30s
  medcommit bench --workload hot-stock --clients 64 -o json`,
	}
	flags := newClientFlags()
	flags.register(cmd)
	f.register(cmd)
	cmd.Flags().StringVar(&workload, "workload", "transfer", strings.Join(bench.Workloads(), ", "))
	cmd.Flags().StringSliceVar(&participants, "participants", nil, "the sites' `NAMES` (default: the first that will do)")
	cmd.Flags().StringVar(&zookeeper, "zookeeper", "", "ask this ZooKeeper server, `HOST:PORT`, for its proposals")
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Second, "of the transactions")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		loop, err := f.load()
		if err != nil {
			return err
		}
		work, err := bench.ParseWorkload(workload)
		if err != nil {
			return wrongUsage(fmt.Errorf("--workload: %w", err))
		}
		c, err := flags.connect()
		if err != nil {
			return err
		}
		report, err := bench.Run(cmd.Context(), bench.Config{
			Client: c, Workload: work, Participants: participants, ZooKeeper: zookeeper, Timeout: timeout, Load: loop,
		})
		if err != nil {
			return explain(err)
		}
		if flags.json() {
			err = printJSON(cmd.OutOrStdout(), report)
		} else {
			report.Text(cmd.OutOrStdout())
		}
		if err == nil && !report.Conserved {
			err = errors.New("the sums are not conserved")
		}
		return err
	}
	cmd.AddCommand(newBenchFloor(flags), newBenchTables(), newBenchOperations())
	return cmd
}

func newBenchFloor(flags *clientFlags) *cobra.Command {
	var f benchFlags
	var form, from, to string
	cmd := &cobra.Command{
		Use:   "floor",
		Short: "Do the same work by hand, without any coordinator",
		Long: `Does the work of the workload "transfer" as hand-written two-phase commit over two databases, on persistent connections,
without a log and without a coordinator. What it leaves behind when it is killed stays prepared. The plain form sends begin, work
and prepare one by one; the fair form sends them in one round trip and writes a marker, as a participant does.`,
		Example: `  medcommit bench floor --from postgres://u@db1/a --to postgres://u@db2/b --clients 16`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loop, err := f.load()
			if err != nil {
				return err
			}
			kind, err := bench.ParseForm(form)
			if err != nil {
				return wrongUsage(fmt.Errorf("--form: %w", err))
			}
			result, err := bench.Floor(cmd.Context(), kind, from, to, loop)
			if errors.Is(err, bench.ErrURL) {
				return wrongUsage(fmt.Errorf("--from and --to: %w", err))
			}
			if err != nil {
				return err
			}
			if flags.json() {
				return printJSON(cmd.OutOrStdout(), result)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s floor, %d clients, %.1f s: %.0f committed a second; p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms\n",
				kind, result.Clients, result.Seconds, result.PerSecond, result.P50, result.P99, result.P999)
			return err
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&form, "form", "plain", "plain or fair")
	cmd.Flags().StringVar(&from, "from", "", "the `URL` of one database, as a participant takes it, with the table of \"medcommit bench tables\"")
	cmd.Flags().StringVar(&to, "to", "", "the `URL` of the other")
	return cmd
}

func newBenchTables() *cobra.Command {
	return &cobra.Command{
		Use:     "tables URL...",
		Short:   "Make the table bench_accounts in databases, anew where it is there",
		Example: `  medcommit bench tables postgres://u@db1/a mysql://u@db2/b`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, rawURL := range args {
				if err := bench.Fill(cmd.Context(), rawURL); errors.Is(err, bench.ErrURL) {
					return wrongUsage(err)
				} else if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func newBenchOperations() *cobra.Command {
	return &cobra.Command{
		Use:     "operations",
		Short:   "Print the catalogue of a site that takes part in a benchmark",
		Example: `  medcommit bench operations > operations.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), bench.Operations)
			return err
		},
	}
}
