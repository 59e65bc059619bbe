# Everything a person or CI does here. `make help` lists it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh
# Tests start tools by the thousand: they read the library compiled, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

DEMO_PACKAGES := python3-venv fping
TEST_PACKAGES := $(DEMO_PACKAGES) mariadb-server-core mariadb-client-core galera-4 prometheus \
	prometheus-pushgateway prometheus-alertmanager victoria-metrics iproute2 nftables procps \
	util-linux systemd mtr-tiny logrotate nginx-light chromium fonts-noto-cjk nodejs npm
LAB_PACKAGES := $(DEMO_PACKAGES) iproute2 nftables util-linux
BENCH_PACKAGES := $(TEST_PACKAGES) zmap masscan linux-perf

.PHONY: help demo library test quick check format docs runs bench bench-variants notices accuracy fuzz soak day drill dashboards screenshots lock clean

help:  ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/runtime  ## Set up, then sweep the demo library on this machine's loopback, and write its page.
	@tools/need $(DEMO_PACKAGES)
	$(BIN)/python netsky_probe.py --config /dev/null --isp demo --format table
	$(BIN)/python netsky_get_avg_lossrate.py --config /dev/null --isp demo --min-samples 1 >/dev/null
	$(BIN)/python netsky_report.py overview --config /dev/null --isp demo --output pages --format table

library: $(VENV)/library  ## Set up, then build candidate addresses of all provinces, offline.
	$(BIN)/python netsky_library.py build --format table

# One more than cores, because much of the time is waiting.
WORKERS ?= $(shell expr $$(nproc) + 1)
test: $(VENV)/dev $(VENV)/browser  ## Set up, then run all tests (real fping, MariaDB, Prometheus, VictoriaMetrics).
	@tools/need $(TEST_PACKAGES)
	$(BIN)/pytest -n $(WORKERS) $(PYTEST)

quick: $(VENV)/dev  ## Set up, then run the tests that start no process: a minute, no servers, no root.
	$(BIN)/pytest -n $(WORKERS) --quick -r fE $(PYTEST)

check: $(VENV)/dev  ## Format, lint and types: what CI checks.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/dev  ## Format and mend what ruff can mend.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/dev  ## Measure parts, 30 days of history, 80 lines, engines beside zmap and masscan, sweeps at once.
	@tools/need $(BENCH_PACKAGES)
	$(BIN)/python -m bench.parts
	$(BIN)/python -m bench.history
	$(BIN)/python -m bench.lines
	$(BIN)/python -m bench.pushes
	$(BIN)/python -m bench.engines bench/engines.json
	$(BIN)/python -m lab together

bench-variants: $(VENV)/dev  ## Measure what else could make the icmp engine cheaper.
	@tools/need $(BENCH_PACKAGES)
	$(BIN)/python -m bench.variants

notices: $(VENV)/dev  ## Measure how long it takes until a fault is noticed: 15 minutes.
	@tools/need $(TEST_PACKAGES)
	$(BIN)/python -m bench.notices

accuracy: $(VENV)/runtime  ## Measure how exact both engines are, on a network whose truth is known.
	@tools/need $(LAB_PACKAGES)
	$(BIN)/python -m lab accuracy

INPUTS ?= 1_000_000
fuzz: $(VENV)/dev  ## Fuzz the four readers: make fuzz INPUTS=10_000_000.
	$(BIN)/python -m testing.fuzz.run $(INPUTS)

COUNT ?= 200
soak: $(VENV)/dev  ## Kill probe and database again and again: make soak COUNT=200.
	@tools/need $(TEST_PACKAGES)
	$(BIN)/python -m testing.faults.soak $(COUNT)

drill: $(VENV)/runtime  ## Rehearse outages on a made-up network: some minutes, a timeline, a report.
	@tools/need $(LAB_PACKAGES)
	$(BIN)/python -m lab drill

day: $(VENV)/dev  ## Score the rules on a simulated week, and in worlds of several kinds.
	$(BIN)/python -m lab day --days 7 --seed 1
	$(BIN)/python -m lab worlds --days 3

dashboards: $(VENV)/dev  ## Write Grafana's dashboards anew.
	$(BIN)/python deploy/grafana/build.py

docs: $(VENV)/runtime  ## Write docs/options.md from --help, and the pictures from the runs kept.
	$(BIN)/python -m tools.options
	$(BIN)/python -m tools.pictures

runs: $(VENV)/runtime  ## Keep new runs for the pictures: an outage in the lab, 40 seconds.
	@tools/need $(LAB_PACKAGES)
	$(BIN)/python -m tools.capture

screenshots: $(VENV)/dev $(VENV)/browser  ## Take new screenshots for the READMEs, of a drill: three minutes.
	@tools/need $(LAB_PACKAGES) chromium fonts-noto-cjk
	$(BIN)/python -m lab drill
	$(BIN)/python -m tools.screenshots pages

lock: $(VENV)/dev  ## Write the exact versions anew from pyproject.toml.
	$(BIN)/pip install -q uv
	tools/lock $(BIN)/uv

clean:  ## Remove the virtual environment and caches.
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis ./*.egg-info lib/*.egg-info

$(VENV)/bin/python:
	@tools/need python3-venv
	$(PYTHON) -m venv $(VENV)

# The library by a path, not by the finder of `pip install -e`: that costs each start of each tool 25 ms.
$(VENV)/runtime: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	echo "$(CURDIR)/lib" >"$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/netsky.pth"
	touch $@

$(VENV)/library: requirements-library.txt $(VENV)/runtime
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-library.txt
	touch $@

# What drives the browser, from npm. The browser itself is Debian's.
$(VENV)/browser: testing/chromium/package-lock.json | $(BIN)/python
	@tools/need nodejs npm
	cd testing/chromium && npm ci --silent --ignore-scripts --no-audit --no-fund
	touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/runtime
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@
