# Everything a person or a machine does with Beamline. `make` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
ARGS ?=
STREAM ?= streams/particle-events.yaml

# OpenSSL is linked in, so that a binary needs nothing of its machine. It is built along, which takes 3 minutes of processor
# time, unless the system has it as a static library (libssl-dev).
OPENSSL_LIBRARY := $(firstword $(wildcard /usr/lib/*-linux-gnu/libssl.a))
ifneq ($(OPENSSL_LIBRARY),)
export OPENSSL_NO_VENDOR := 1
export OPENSSL_STATIC := 1
export OPENSSL_LIB_DIR := $(dir $(OPENSSL_LIBRARY))
export OPENSSL_INCLUDE_DIR := /usr/include
endif

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{ printf "  make %-15s %s\n", $$1, $$2 }'

# What Debian and Ubuntu call the programs: those to build with (C libraries are built along), and those that the servers
# of the tests come with.
BUILD_TOOLS := cc:gcc g++:g++ perl:perl
SERVER_TOOLS := java:default-jre-headless mvn:maven openssl:openssl python3:python3

# Install what is missing of the programs in $(1), given as program:package.
define need
missing=; for tool in $(1); do command -v "$${tool%%:*}" >/dev/null || missing+=" $${tool#*:}"; done; \
	case "$$missing" in *gcc*) missing+=" libc6-dev";;& *python3*) missing+=" python3-venv";;& *qemu-user*) missing+=" libc6-arm64-cross";; esac; \
	[ -z "$$missing" ] && exit; \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $$missing; \
	else echo "error: programs are missing; on Debian or Ubuntu: sudo apt-get install$$missing" >&2; exit 1; fi
endef

.PHONY: setup
setup: ## Check that the tools to build are there; install what is missing on Debian and Ubuntu
	@command -v cargo >/dev/null || { echo "error: no Rust toolchain; install rustup from https://rustup.rs, then open a new shell" >&2; exit 1; }
	@$(call need,$(BUILD_TOOLS))

.PHONY: setup-servers
setup-servers: setup ## The same for the servers that the tests start: Java, Maven, Python
	@$(call need,$(SERVER_TOOLS))
	@python3 -c 'import ensurepip' 2>/dev/null || { $(call need,ensurepip:python3-venv); }

.PHONY: env
env: ## Print what to export so that cargo, called by hand, builds nothing twice: eval "$(make -s env)"
	@for name in OPENSSL_NO_VENDOR OPENSSL_STATIC OPENSSL_LIB_DIR OPENSSL_INCLUDE_DIR; do \
		[ -z "$${!name}" ] || echo "export $$name=$${!name}"; done

.PHONY: build
build: setup ## Build everything, as `make run` and `make test` use it
	cargo build --workspace --all-targets --locked

.PHONY: run
run: setup ## Run the particle stream until Ctrl-C, or as ARGS say (ARGS="--for 10s", STREAM=streams/sensors.yaml)
	cargo run --locked --bin beamline -- run $(STREAM) $(ARGS)

.PHONY: test
test: setup-servers ## Run all tests
	cargo test --workspace --locked $(ARGS)

.PHONY: fuzz-inputs
fuzz-inputs: setup ## Give random bytes and damaged files to every reader, 20,000 of each (about ten minutes)
	BEAMLINE_FUZZ_CASES=20000 cargo test --locked --workspace --test source -- bytes

.PHONY: lint
lint: setup ## Check the formatting, the lints, and what holds the architecture
	cargo fmt --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo test --locked --package architecture

ACTIONLINT_VERSION := v1.7.12

.PHONY: lint-workflows
lint-workflows: ## Check the workflows of .github with actionlint (built where it is missing)
	@command -v actionlint $(TOOLS)/actionlint >/dev/null || if command -v go >/dev/null; then \
		echo "building actionlint $(ACTIONLINT_VERSION)"; GOBIN=$(TOOLS) go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION); \
	else echo "error: neither actionlint nor Go, to build it with" >&2; exit 1; fi
	PATH="$$PATH:$(TOOLS)" actionlint

.PHONY: deny
deny: setup ## Check licences and advisories of the dependencies (installs cargo-deny where it is missing)
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny --all-features check licenses bans sources

.PHONY: mutants
mutants: setup ## Change the pure crates in 100 small ways each and say what their tests do not notice (ALL=1, SEED, DRAW, CRATES; installs cargo-mutants where it is missing)
	@command -v cargo-mutants >/dev/null || cargo install --locked cargo-mutants
	python3 tests/mutants/run.py

.PHONY: test-handover
NIGHTLY ?= nightly
test-handover: setup ## Test what goes to and from the Kafka client without a copy with AddressSanitizer, in the client too (installs a nightly toolchain where there is none)
	rustup run $(NIGHTLY) rustc --version 2>/dev/null || rustup toolchain install $(NIGHTLY) --profile minimal
	CFLAGS="-fsanitize=address -fno-omit-frame-pointer -g" LDFLAGS="-fsanitize=address" RUSTFLAGS="-Zsanitizer=address" \
		cargo +$(NIGHTLY) test --locked -p batches --lib --tests --target-dir target/sanitized \
		--target $$(rustc -vV | sed -n 's/^host: //p')

.PHONY: simulate simulate-mutants
HISTORIES ?= 100000
simulate: setup ## Run the workers' code in HISTORIES=100000 histories of faults on a cluster in memory, from SEED on; a seed repeats its history
	HISTORIES=$(HISTORIES) $(if $(SEED),SEED=$(SEED)) cargo run --locked --bin simulate

.PHONY: simulate-coverage
simulate-coverage: setup ## Print which share of the workers' lines HISTORIES=10000 histories execute (adds llvm-tools to the toolchain where it is missing)
	@$(call need,python3:python3)
	HISTORIES=$(if $(filter file,$(origin HISTORIES)),10000,$(HISTORIES)) $(if $(SEED),SEED=$(SEED)) tests/simulator/coverage.sh

simulate-mutants: setup ## Put one defect after the other into the workers and see that the histories find each; those that they do not run, that a test does
	cargo run --locked --features simulator/mutants --bin simulate-mutants
	tests/simulator/mutants.sh

.PHONY: bench bench-local
bench: bench-local bench-kafka bench-windows bench-store evaluate ## All measurements

bench-local: setup ## Measure the replay of 10 million events end to end, and each part alone
	cargo bench --profile dev --locked --workspace --benches
	cargo run --locked --bin beamline -- bench $(ARGS)

.PHONY: bench-handover
bench-handover: setup-servers ## Measure an event in enricher and detector with both ways to and from the Kafka client, in pairs (BEAMLINE_BENCH_PAIRS=5, BEAMLINE_BENCH_OTHER=a folder of another revision's programs)
	cargo test --locked --workspace --test kafka -- --ignored --nocapture measure_handover

.PHONY: bench-idle
SECONDS ?= 60
bench-idle: setup setup-servers ## Measure what a run, and a generator, an enricher and a detector on Kafka cost at 1,000 events/s (SECONDS=300)
	BEAMLINE_IDLE_SECONDS=$(SECONDS) cargo test --locked --workspace --test idle -- --ignored --nocapture
	BEAMLINE_IDLE_SECONDS=$(SECONDS) cargo test --locked --workspace --test kafka -- --ignored --nocapture measure_idle

.PHONY: bench-scale
bench-scale: setup-servers ## Measure what an event costs by workers, partitions, keys, bytes, columns and open windows, and print a model of it (BEAMLINE_SCALE_EVENTS=1000000 BEAMLINE_SCALE_AXES=workers,keys)
	cargo test --locked --workspace --test kafka -- --ignored --nocapture measure_scale

.PHONY: bench-overload
bench-overload: setup-servers ## Measure what services do at twice the sustainable rate, then at half of it, with half of the events in one key, and flooded over HTTP (BEAMLINE_OVERLOAD_SECONDS=300 of each)
	cargo test --locked --workspace --test kafka -- --ignored --nocapture measure_overload

.PHONY: bench-snapshots
bench-snapshots: setup ## Measure what a detector's snapshots take beside its events, at three rates, with 64 and 10,000 keys (RECORDS=2000000)
	cargo run --locked --bin bench-snapshots

.PHONY: evaluate evaluate-particles evaluate-held-out
evaluate: setup evaluate-particles ## Measure the detection: labelled physics, logins and payments by kind, and the NAB series that settings are chosen on (BEAMLINE_DATA)
	cargo run --locked --bin beamline -- evaluate evaluation/labelled-physics.yaml --events 2000000 --without-rules
	for stream in logins payments; do cargo run --locked --bin beamline -- evaluate streams/$$stream.yaml --events 1000000 || exit 1; done
	@if [ -d "$(BEAMLINE_DATA)/nab" ]; then sed 's|^|$(BEAMLINE_DATA)/nab/|' evaluation/nab-chosen.txt | xargs \
		cargo run --locked --bin beamline -- evaluate streams/nab.yaml --windows "$(BEAMLINE_DATA)/nab/combined_windows.json"; \
	else echo "BEAMLINE_DATA names no folder with nab/: its series are left out"; fi

# Compiled when it is first needed; what takes longer than 20 minutes is given up.
PYTHIA_VERSION = 8.318.0
PYTHIA = $(TOOLS)/pythia-$(PYTHIA_VERSION)
PARTICLES = target/particles

evaluate-particles: setup ## Particles of Pythia, in 5 to 17 digits and at two energies, and of an LHE file (BEAMLINE_DATA), of which some are tampered with
	@$(call need,python3:python3)
	@mkdir -p $(PARTICLES)
	@[ -x $(PYTHIA)/pythia ] || { echo "compiling Pythia $(PYTHIA_VERSION), which takes some minutes"; \
		timeout 1200 evaluation/build-pythia.sh $(PYTHIA_VERSION) $(PYTHIA); } || \
		echo "Pythia $(PYTHIA_VERSION) cannot be compiled here: its particles are left out"
	@if [ -x $(PYTHIA)/pythia ]; then for beam in 6500 100; do \
		PYTHIA8DATA=$(PYTHIA)/xmldoc $(PYTHIA)/pythia 300 $$beam 7 > $(PARTICLES)/pythia.txt || exit 1; \
		for digits in 5 8 10 17; do echo "Pythia, beams of $$beam GeV, $$digits digits"; \
		python3 evaluation/particles.py pythia $(PARTICLES)/pythia.csv --digits $$digits < $(PARTICLES)/pythia.txt && \
		cargo run --quiet --locked --bin beamline -- evaluate evaluation/labelled-particles.yaml $(PARTICLES)/pythia.csv || exit 1; done; done; fi
	@if [ -f "$(BEAMLINE_DATA)/lhe/z_mlm_particles.csv.gz" ]; then \
		python3 evaluation/particles.py lhe "$(BEAMLINE_DATA)/lhe/z_mlm_particles.csv.gz" $(PARTICLES)/lhe.csv && \
		cargo run --quiet --locked --bin beamline -- evaluate evaluation/labelled-particles.yaml $(PARTICLES)/lhe.csv; \
	else echo "BEAMLINE_DATA names no folder with lhe/: its particles are left out"; fi

evaluate-held-out: setup ## The NAB series that nothing is chosen on; note each run in docs/detection.md
	cd "$(BEAMLINE_DATA)/nab" && find . -name '*.csv' | sed 's|^./||' | sort | grep -vxFf $(CURDIR)/evaluation/nab-chosen.txt | sed 's|^|$(BEAMLINE_DATA)/nab/|' | (cd $(CURDIR) && xargs \
		cargo run --locked --bin beamline -- evaluate streams/nab.yaml --windows "$(BEAMLINE_DATA)/nab/combined_windows.json")

# What the comparison needs is pinned in tests/compare/requirements.txt.
COMPARE_PYTHON = $(TOOLS)/compare-python/bin/python

.PHONY: compare
compare: setup ## Compare the detection with half-space trees, RS-Hash, LODA, a random cut forest, xStream on labelled tabular sets (ARGS=choose leaves the held-out sets alone)
	@$(call need,python3:python3)
	@cmp -s tests/compare/requirements.txt $(TOOLS)/compare-python/requirements.txt || { \
		python3 -m venv $(TOOLS)/compare-python && $(COMPARE_PYTHON) -m pip install --quiet -r tests/compare/requirements.txt && \
		cp tests/compare/requirements.txt $(TOOLS)/compare-python; }
	cargo build --locked --bin beamline
	OMP_NUM_THREADS=1 $(COMPARE_PYTHON) -B tests/compare/run.py $(ARGS)

.PHONY: bench-page
bench-page: setup setup-page ## Measure what the live page costs the run and the browser: medians of seven paired runs (about 15 minutes)
	cargo test --locked --workspace --test page -- --ignored --nocapture what_the_page_costs
	cargo test --locked --workspace --test kafka -- --ignored --nocapture how_soon_a_page_shows
	cargo build --locked --workspace --bin beamline
	node tests/page/measure.js

.PHONY: faults faults-local
faults: faults-local faults-kafka ## Both: faults in one process, and on Kafka

faults-local: setup ## Kill a run of 2,000,000 events 20 times and compare it with a quiet one; kill while files are merged and dropped; fill the disk; hold connections
	cargo test --locked --workspace --test kills --test long_life --test bad_input -- --nocapture kill disk idle_clients query_that_began

.PHONY: long-life
long-life: setup ## Commit many times with queries open, and print how memory, disk and the time of a commit change (BEAMLINE_COMMITS=6000), in results that have had BEAMLINE_GROWN=0 commits before (grown in the folder BEAMLINE_GROWN_IN, where that is given)
	BEAMLINE_COMMITS=$${BEAMLINE_COMMITS:-6000} cargo test --locked --workspace --test long_life -- --ignored --nocapture

.PHONY: schema
schema: setup ## Write the JSON Schemas of definitions and of cases
	cargo run --locked --bin beamline -- check-config --json-schema > schemas/stream.schema.json
	cargo run --locked --bin beamline -- test --json-schema > schemas/cases.schema.json

.PHONY: clean
clean: ## Delete what was built, and no results
	cargo clean

.PHONY: metrics-docs
metrics-docs: ## Write docs/metrics.md anew from the code
	BEAMLINE_WRITE_DOCS=1 cargo test --locked --workspace --test metrics documentation

# mdBook is built once, outside continuous integration: 4 minutes of processor time.
MDBOOK_VERSION := 0.5.4

.PHONY: docs
docs: setup docs-pages ## Build the documentation as a site in target/book and check its links (mdBook is built where it is missing)
	@PATH="$$PATH:$(TOOLS)/bin"; command -v mdbook >/dev/null || \
		cargo install --locked --root $(TOOLS) --version $(MDBOOK_VERSION) --no-default-features --features search mdbook
	PATH="$$PATH:$(TOOLS)/bin" mdbook build
	python3 docs/links.py target/book

.PHONY: docs-pages
docs-pages: setup ## Write the pages of the documentation that follow from the code: docs/alerts.md, docs/commands.md, docs/definition.md
	BEAMLINE_WRITE_DOCS=1 cargo test --locked --workspace --test pages code

.PHONY: bench-store
bench-store: setup-servers ## Measure the stores (CQL, Parquet, ORC, Delta, HDFS): rows a second beside the Java driver, pyarrow and deltalake; queries beside Spark; a long log (fetches Spark, 700 MB)
	cargo test --locked --workspace --test stores -- --ignored --nocapture --test-threads=1 bench

# What needs a server of CQL and does not hurt it. Each test wants an empty keyspace.
CQL_TESTS := same_rows::one_statement owners::an_older_record owners::a_paused_writer places::a_writer_whose_group

.PHONY: test-cql
test-cql: setup-servers ## Test the writer on the CQL server that BEAMLINE_CQL names, such as ScyllaDB; CQLSH is a command that empties it, such as `docker exec scylla cqlsh`
	@[ -n "$(BEAMLINE_CQL)" ] && [ -n "$(CQLSH)" ] || { echo "error: on which server? for example: make test-cql BEAMLINE_CQL=127.0.0.1:9042 CQLSH='docker exec scylla cqlsh'" >&2; exit 1; }
	for test in $(CQL_TESTS); do $(CQLSH) -e 'DROP KEYSPACE IF EXISTS beamline' && \
		BEAMLINE_TEST_CQL=$(BEAMLINE_CQL) cargo test --locked --workspace --test stores -- --nocapture $$test || exit 1; done

.PHONY: faults-stores
faults-stores: setup ## Write 1,000,000 events to each store while its writer is killed and it is paused and away, 20 times
	BEAMLINE_FAULTS_EVENTS=1000000 BEAMLINE_FAULTS=20 cargo test --locked --workspace --test stores -- --include-ignored --nocapture --test-threads 1 faults owners places budget compaction

.PHONY: hdfs
hdfs: setup-servers ## Write to a real HDFS of three data nodes while writers are killed, a data node goes and the name node restarts (fetches Hadoop, 90 MB)
	cargo test --locked --workspace --test stores -- --include-ignored --nocapture --test-threads 1 hdfs_

.PHONY: dev
dev: setup-servers ## Start Kafka and a schema registry for local work, until Ctrl-C (ARGS="--with cassandra,jaeger")
	cargo run --locked --bin dev -- $(ARGS)

# The tests of the page: Node and the system's Chromium; their packages are pinned in tests/page/package-lock.json.
PAGE_TOOLS := node:nodejs npm:npm chromium:chromium

.PHONY: setup-page
setup-page: setup
	@$(call need,$(PAGE_TOOLS))
	@cd tests/page && { [ node_modules/.package-lock.json -nt package-lock.json ] || \
		PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund; }

# What the tests of the page start.
PAGE_PROGRAMS := $(foreach program,beamline dev generator enricher anomaly-detector aggregator dashboard,--bin $(program))

# Schemathesis, and what the notebook cell of docs/api.md needs.
PAGE_PYTHON = $(TOOLS)/page-python/bin/python
PAGE_PACKAGES := schemathesis==4.32.0 requests==2.32.5 plotly==6.5.0

.PHONY: test-api
test-api: setup-page ## Hold the API of the live page against its own description, and run the notebook cell of its page
	@[ -x $(PAGE_PYTHON) ] && $(PAGE_PYTHON) -c 'import plotly, requests, schemathesis' 2>/dev/null || { \
		python3 -m venv $(TOOLS)/page-python && $(PAGE_PYTHON) -m pip install --quiet $(PAGE_PACKAGES); }
	cargo build --locked --bin beamline
	node tests/page/api.js $(PAGE_PYTHON)

.PHONY: test-page test-page-short
test-page: test-api setup-page setup-servers ## Test the live page in a real browser on real runs, in one process and on Kafka: types, units, every view, 50 cuts (ARGS for Playwright)
	cargo build --locked $(PAGE_PROGRAMS)
	cd tests/page && npm run --silent types && npm run --silent unit && BEAMLINE_CUTS=$${BEAMLINE_CUTS:-50} npx playwright test $(ARGS)

test-page-short: setup-page setup-servers ## The part of it that continuous integration runs, in at most five minutes
	cargo build --locked $(PAGE_PROGRAMS)
	cd tests/page && npm run --silent types && npm run --silent unit && BEAMLINE_CUTS=5 npx playwright test --project=one-process --grep-invert @long
	cd tests/page && npx playwright test --project=kafka overview

.PHONY: screenshots
screenshots: setup-page ## Take the pictures of the live page in docs/page from a running stream
	cargo build --locked --bin beamline
	cd tests/page && node screenshots.js

# Programs built here where the machine has none.
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/beamline/tools
HELM_VERSION := v3.19.5

.PHONY: setup-chart
setup-chart:
	@python3 -c 'import yaml' 2>/dev/null || { $(call need,yaml:python3-yaml); }
	@command -v helm $(TOOLS)/helm >/dev/null || if command -v go >/dev/null; then \
		echo "building Helm $(HELM_VERSION)"; GOBIN=$(TOOLS) go install helm.sh/helm/v3/cmd/helm@$(HELM_VERSION); \
	else echo "error: neither Helm nor Go, to build it with; see https://helm.sh/docs/intro/install" >&2; exit 1; fi
	@command -v promtool $(TOOLS)/promtool >/dev/null || ! command -v apt-get >/dev/null || tests/chart/prometheus.sh $(TOOLS)

.PHONY: chart-check
chart-check: setup-chart ## Check the Helm chart: lint, rendered examples, Kubernetes' schemas, unit tests of the templates and of the alerts (Helm is built where it is missing)
	PATH="$$PATH:$(TOOLS)" tests/chart/check.sh

.PHONY: chart-examples
chart-examples: setup-chart ## Write the chart's rendered examples anew
	PATH="$$PATH:$(TOOLS)" WRITE=1 tests/chart/check.sh

.PHONY: chart-dashboard
chart-dashboard: ## Write the chart's Grafana dashboard from charts/grafana/dashboard.py
	python3 charts/grafana/dashboard.py

.PHONY: dist dist-check
ARCH ?= $(shell uname -m)
dist: setup ## Build what is published: archive, Debian package, checksums, licences, bill of materials, for glibc 2.31 (ARCH=aarch64 needs qemu-user)
	@$(call need,python3:python3 objdump:binutils $(if $(filter-out $(shell uname -m),$(ARCH)),qemu-$(ARCH)-static:qemu-user-static))
	TOOLS=$(TOOLS) docker/dist/build.sh $(ARCH)

dist-check: ## Use the archive of make dist in empty roots of Debian 11 and 13, without toolchain and network (needs root and debootstrap)
	@$(call need,debootstrap:debootstrap ip:iproute2)
	docker/dist/check.sh $(or $(CARGO_TARGET_DIR),target)/dist/$(ARCH)/beamline-*-linux-gnu.tar.gz

.PHONY: images
images: ## Build the images of all services from source (PREBUILT=1 packages what is in target/debug)
	docker/images.sh

.PHONY: server-images
server-images: ## Build stand-ins for the development servers, for a machine without a container registry
	docker/servers/build.sh

.PHONY: kind
kind: ## Make a kind cluster, build and load the images, and install the chart with servers and the example stream
	kind get clusters 2>/dev/null | grep -qx beamline || kind create cluster --config k8s/kind.yaml
	ENGINE=docker docker/images.sh
	for service in generator enricher anomaly-detector aggregator writer dashboard autoscaler beamline; do \
		kind load docker-image --name beamline "beamline/$$service:dev" || exit 1; done
	helm upgrade --install beamline charts/beamline --kube-context kind-beamline -n beamline --create-namespace \
		-f k8s/values-kind.yaml -f k8s/values-stream.yaml --wait --timeout 10m

.PHONY: e2e
e2e: setup ## Build, and test everything on a Kubernetes cluster (the current one, or BEAMLINE_CLUSTER=FOLDER with scripts up and load-image)
	tests/e2e/run.sh

.PHONY: faults-kafka
bench-kafka: setup-servers ## Measure services on Kafka beside a bare loop of the client library, their latency, and how fast state moves
	cargo test --locked --workspace --test kafka -- --ignored --nocapture --test-threads=1 bench_

faults-kafka: setup-servers ## Kill, pause, scale and cut off services, brokers and the registry while a stream runs, in 30 ways (BEAMLINE_FAULTS=60 BEAMLINE_FAULTS_EVENTS=5000000 BEAMLINE_FAULTS_SEED=1)
	BEAMLINE_FAULTS=$${BEAMLINE_FAULTS:-60} BEAMLINE_FAULTS_EVENTS=$${BEAMLINE_FAULTS_EVENTS:-5000000} \
		cargo test --locked --workspace --test kafka -- --nocapture faults

.PHONY: soak
soak: setup-servers ## An hour of 200 faults and more on three brokers and in one process; every score compared, memory and commits over time (BEAMLINE_SOAK_MINUTES=60 BEAMLINE_SOAK_EVENTS_KAFKA=20000000 BEAMLINE_SOAK_EVENTS_LOCAL=50000000 BEAMLINE_SOAK_SEED)
	cargo test --locked --workspace --test kafka -- --ignored --nocapture an_hour_of_faults

.PHONY: spark
spark: setup-servers ## Let Spark read a stream's lakes, and run notebooks/spark.ipynb and the jobs of examples/spark on its topic; compare every number (fetches Spark, 700 MB)
	cargo test --locked --workspace --test kafka -- --ignored --nocapture spark_

.PHONY: test-upgrade
test-upgrade: setup-servers ## Run a stream on Kafka, in one process and into each store by an earlier revision, kill it and go on with this one (FROM=REVISION; builds that first)
	@[ -n "$(FROM)" ] || { echo "error: from which revision? for example: make test-upgrade FROM=f956084" >&2; exit 1; }
	@mkdir -p target/upgrade/$(FROM)/source && git archive $(FROM) | tar x -C target/upgrade/$(FROM)/source
	cd target/upgrade/$(FROM)/source && CARGO_TARGET_DIR=$(CURDIR)/target/upgrade/$(FROM)/target cargo build --workspace --bins --locked
	BEAMLINE_EARLIER=$(CURDIR)/target/upgrade/$(FROM)/target/debug \
		cargo test --locked --workspace --test kafka -- --ignored --nocapture --test-threads 1 upgrade_from

.PHONY: bench-kafka bench-windows
bench-windows: setup-servers ## Measure what windows cost an aggregator on Kafka, and how soon their final rows are there
	cargo test --locked --workspace --test kafka -- --ignored --nocapture --test-threads 1 measure_windows

.PHONY: faults-windows
faults-windows: setup-servers ## Run the windows of every example on Kafka in all variants, quiet and with 20 kills, and compare them with one process
	cargo test --locked --workspace --test kafka -- --ignored --nocapture every_variant
