# make demo   a guided run on this machine: everything it needs is installed and started
# make test   every test, against real servers
# make help   the rest

GO ?= go
# Everything is built without cgo but what the race detector is linked into, so that nothing is compiled twice.
export CGO_ENABLED = 0

# Tests that cut ZooKeeper connections: the client library has a data race on reconnect, so they run without the race detector.
CUTS := ^TestCut

.DEFAULT_GOAL := help
.PHONY: help setup build demo test check sim soak fuzz bench-coordination test-clinical faults databases bench bench-failover clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: ## install what is missing: ZooKeeper and its Java, PostgreSQL, MariaDB, a C compiler
	@sh docker/setup.sh

build: ## build ./bin/medcommit, one static binary
	@$(GO) build -o bin/medcommit ./cmd/medcommit

demo: setup build ## real cross-site transactions, a killed leader, an audit (KEEP=1 leaves the cluster up)
	@./bin/medcommit demo $(if $(KEEP),--keep)

# The simulator is sequential but for its workers: a few schedules run under the race detector, all of them without it.
test: setup check build ## every test
	CGO_ENABLED=1 $(GO) test -race -timeout 40m -skip '$(CUTS)' $$($(GO) list ./... | grep -v /txn/sim)
	CGO_ENABLED=1 $(GO) test -race -short -timeout 40m ./txn/sim
	$(GO) test -timeout 40m -run '$(CUTS)' ./zkcoord/... ./participant/... ./integration/...
	$(GO) test -timeout 40m ./txn/sim
	$(MAKE) fuzz

check: ## format, vet, staticcheck, and which package may import which
	@test -z "$$($(GO) tool gofumpt -l . | tee /dev/stderr)" || { echo "check: run go tool gofumpt -w ."; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags failpoints ./...
	$(GO) tool staticcheck ./...
	$(GO) tool staticcheck -tags failpoints ./...
	$(GO) mod tidy -diff
	$(GO) test -count 1 -run TestArrows ./integration

databases: setup ## a private PostgreSQL and MariaDB for README.md's tour, until Ctrl-C
	@$(GO) run ./integration/databases

sim: ## a million seeded schedules of the protocol (SCHEDULES=, SEED=)
	$(GO) test -timeout 0 -v -run TestSchedules ./txn/sim -sim.schedules $(or $(SCHEDULES),1000000) $(if $(SEED),-sim.seed $(SEED))

faults: setup build ## break a cluster again and again, and audit it (DURATION=60s, SEED=; root, for network namespaces)
	@mkdir -p bin && $(GO) build -o bin/faults ./integration/faults
	@./bin/faults -duration $(or $(DURATION),60s) $(if $(SEED),-seed $(SEED))

test-clinical: setup build ## prescriptions over MariaDB, PostgreSQL and the embedded store, with kills, audited by SQL
	$(GO) test -timeout 40m -count 1 -v -run TestClinical ./integration

soak: setup build ## two million transactions while a participant is away: memory, znodes, reading times (TRANSACTIONS=)
	$(GO) run ./integration/soak -transactions $(or $(TRANSACTIONS),2000000)

bench: setup build ## two-phase commit by hand and through a cluster in turn, on PostgreSQL and MariaDB; one hot record (ARGS='-clients 16', -h)
	@$(GO) build -o bin/bench ./integration/bench
	@./bin/bench $(ARGS)

bench-coordination: setup build ## the coordination alone: resource managers that do nothing (ARGS='-clients 64 -transactions 1000000', -h)
	@$(GO) build -o bin/coordination ./integration/coordination
	@./bin/coordination $(ARGS)

# What is read that others wrote, and how many inputs each is given: half a minute's worth, one after the other, so that each has the machine.
# A number and not a time: at the end of a time Go may fail a test that found nothing (golang/go#75804), and passes one whose input hangs.
# What once led somewhere new is kept in testdata/fuzz; what does is made smaller for a second at most, and not for Go's minute.
FUZZ = api:FuzzSubmission:60000 api/exactjson:FuzzParse:400000 zkcoord:FuzzDecodeSegment:40000 zkcoord:FuzzRecords:10000 \
	participant:FuzzParseCatalogue:20000 participant:FuzzSplitSQL:80000 participant:FuzzCalls:80000 participant:FuzzPlainWork:150000 \
	participant/mysql:FuzzListed:120000 participant/embedded:FuzzDecimal:120000 txn:FuzzParseXID:500000

fuzz: ## what strangers may send: half a minute for each of the fuzz tests, so many times longer (TIMES=20)
	@for f in $(FUZZ); do \
		set -- $$(echo "$$f" | tr : ' '); \
		$(GO) test "./$$1" -run '^$$' -fuzz "^$$2$$" -fuzztime "$$(($$3 * $(or $(TIMES),1)))x" -fuzzminimizetime 1s -parallel 2 || exit 1; \
	done

bench-failover: setup ## kill 30 leaders under load, stop 3: how soon decisions go on (TRIALS=, OUT=FILE for JSON)
	$(GO) test -timeout 0 -count 1 -v -run TestFailOver ./integration/failover \
	  -failover.trials $(or $(TRIALS),30) -failover.halts 3 $(if $(OUT),-failover.out $(abspath $(OUT)))

clean: ## remove what was built
	rm -rf bin
