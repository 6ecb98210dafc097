# Each target first sets up .venv (once, and again when the requirements change); afterwards no network is needed.
# PYTEST=…  more options for pytest.      BENCH=…  options of the benchmarks (BENCH=--help shows them)
# CHAOS=…  options of the scenarios (CHAOS=--help shows them)
# PYTHON=…  a Python 3.11, when `python3.11` and `python3` are none      TORCH=cpu  the small build of torch, without GPU
PYTHON ?=
TORCH ?=
PYTEST ?=
BENCH ?=
CHAOS ?=
PHOTOS ?= samples/astronaut.jpg samples/chelsea.jpg
PY := .venv/bin/python
REQUIREMENTS := requirements.txt $(wildcard */requirements.txt) constraints.txt launcher/setup

.PHONY: run demo caption test test-slow chaos bench lint setup
.DEFAULT_GOAL := run

.venv/installed: $(REQUIREMENTS)
	@PYTHON="$(PYTHON)" TORCH="$(TORCH)" launcher/setup requirements.txt $@

.venv/installed-development: $(REQUIREMENTS)
	@PYTHON="$(PYTHON)" TORCH="$(TORCH)" launcher/setup tests/requirements.txt $@

.venv/installed-peers: .venv/installed-development benchmarks/requirements.txt
	@PYTHON="$(PYTHON)" launcher/setup benchmarks/requirements.txt $@ .venv/peers

run: .venv/installed  ## the site, a worker and a broker on this machine, until Ctrl-C
	@exec $(PY) -m launcher run

demo: .venv/installed  ## the main job once, in a temporary folder: upload the samples, wait, show the captions
	@exec $(PY) -m launcher demo

caption: .venv/installed  ## make caption PHOTOS="a.jpg b.jpg"
	@exec $(PY) manage.py caption $(PHOTOS)

setup: .venv/installed-development .venv/installed-peers  ## only set up .venv, with everything for development

test: .venv/installed-development  ## the fast tests, in random order, a process for each core
	$(PY) -m pytest -n logical --maxprocesses 4 $(PYTEST)

test-slow: .venv/installed-development  ## the slow tests: whole stacks, browsers, training runs; a file to a process
	$(PY) -m pytest -m slow -n 2 --dist loadfile $(PYTEST)

chaos: .venv/installed-development  ## whatever dies, nothing is lost: hundreds of kill -9 at a whole stack, up to an hour
	$(PY) -m tests.chaos $(CHAOS)

bench: .venv/installed-development .venv/installed-peers  ## how fast it all is, into benchmarks/RESULTS.md: some 30 minutes on two idle cores
	$(PY) -m benchmarks $(BENCH)

lint: .venv/installed-development
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports
	.venv/bin/mypy
