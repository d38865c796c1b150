package txn

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var updateScripts = flag.Bool("update", false, "rewrite what the participant's scenarios expect")

// TestParticipantScenarios plays testdata/participant/*.txt; each names the rule that it shows.
func TestParticipantScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/participant/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { playScenario(t, file) })
	}
}

// scenarioConfig is small enough for a script to reach every bound.
func scenarioConfig() ParticipantConfig {
	return ParticipantConfig{WithdrawAfter: 10 * time.Second, ScanEvery: time.Minute, GenerationSize: 100, Slots: 2, MaxBytes: 4 * voteBytes}
}

func playScenario(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := newScript(t, scenarioConfig())
	var out strings.Builder
	lines := strings.Split(string(text), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		out.WriteString(line)
		if i < len(lines)-1 {
			out.WriteString("\n")
		}
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") || line == "----" {
			continue
		}
		got := s.run(line)
		if i+1 >= len(lines) || lines[i+1] != "----" {
			if got != "" && !*updateScripts {
				t.Fatalf("%s:%d: %s: unexpected:\n%s", file, i+1, line, got)
			}
			if got != "" {
				out.WriteString("----\n" + got + "\n")
			}
			continue
		}
		i++
		var want strings.Builder
		for i++; i < len(lines) && lines[i] != ""; i++ {
			want.WriteString(lines[i] + "\n")
		}
		out.WriteString("----\n" + got + "\n")
		if got != want.String() && !*updateScripts {
			t.Fatalf("%s: %s\ngot:\n%swant:\n%s", file, line, got, want.String())
		}
	}
	if *updateScripts {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
