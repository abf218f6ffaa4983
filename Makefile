# The thin face of Deploy/scripts: each target does its own set-up.

.PHONY: help run cluster test check kit fuzz conformance bench sim image clean
.DEFAULT_GOAL := help

help: ## Print this.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST)

run: ## Build and run a node; ARGS are those of martlet serve.
	@Deploy/scripts/run.sh $(ARGS)

cluster: ## Three nodes behind HAProxy, with Redis, a Kafka-protocol broker and Prometheus.
	@Deploy/scripts/cluster.sh $(ARGS)

test: ## Run every test; ARGS are those of swift test.
	@Deploy/scripts/test.sh $(ARGS)

check: ## Hold the house rules: format, imports, tidy tests.
	@Deploy/scripts/check.sh

kit: ## Write what is derived: the chart's README and schema, manifests, dashboard, table of alerts.
	@Deploy/scripts/kit.sh

fuzz: ## Fuzz each codec for SECONDS (20).
	@Deploy/scripts/fuzz.sh $(or $(SECONDS),20)

conformance: ## Run the Autobahn testsuite, and centrifuge-js where CENTRIFUGE_JS names its builds; ARGS: autobahn or sdk.
	@Deploy/scripts/conformance.sh $(ARGS)

bench: ## Measure a release build and write its section of Docs/Benchmarks.md; ARGS are those of Deploy/bench/bench.py.
	@Deploy/scripts/bench.sh $(ARGS)

sim: ## Run a cluster in simulation; ARGS are those of martlet-sim, such as ARGS="run all".
	@Deploy/scripts/sim.sh $(ARGS)

image: ## Carry out the Dockerfile without Docker, in bare Debian roots under DIRECTORY, and start the node there (root).
	@Deploy/scripts/image.py $(or $(DIRECTORY),.cache/image)

clean: ## Remove what was built.
	@Deploy/scripts/clean.sh
