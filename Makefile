# The front door. Everything it does is in tools/environments.py (environments) and tools/check.py (stages).
#
# PYTHON=...            the interpreter to use (default: the first python3 that is 3.11 or later)
# MORTMAIN_PYTHONS=...  a folder of further Pythons for `make check`: VERSION/bin/pythonX.Y
# FUZZ_SECONDS=...      `make check` also fuzzes each target for so long
# BENCH=...             arguments of bench/run.py
# BENCH_HEAP=...        arguments of bench/heap/peers.py, which `make bench` runs next
# BENCH_PATTERNS=...    arguments of bench/weak/patterns.py, which comes after that
# BENCH_SIGNALS=...     arguments of bench/weak/signals.py, then
# BENCH_WEAK=...        arguments of bench/weak/containers.py, which is the last
# PROGRAMS=...          how many random programs `make oracle` runs (2000)
# CORPUS=...            arguments of tests/corpus/run.py
# CLEAN=...             arguments of tests/corpus/clean.py
# ORACLE=...            further arguments of tests/oracle/oracle.py
.DEFAULT_GOAL := help
.PHONY: help demo test quick check check-fast oracle corpus corpus-clean bench format clean

PYTHON ?=
# "ok PATH-OF-PYTHON", or the one line to stop with. Asked once, and only by what needs an answer.
preflight = $(eval preflight := $(shell sh tools/preflight.sh "$(PYTHON)"))$(preflight)
python = $(if $(filter ok,$(firstword $(preflight))),$(word 2,$(preflight)),$(error $(preflight)))

help:
	@echo 'make demo        run a program that leaks, and ask who holds what it left behind'
	@echo 'make test        all tests with one Python (minutes)'
	@echo 'make quick       style, types, engine and its unit tests, slow models of it among them'
	@echo 'make check       test + quick + every Python found, sanitizers, fuzz inputs'
	@echo 'make check-fast  the part of check that CI runs after test'
	@echo 'make oracle      random programs on the object heap and on CPython, PROGRAMS=n of them'
	@echo 'make corpus      real leaks, each asked of mortmain loop and scored (needs a network)'
	@echo 'make corpus-clean  ordinary steps, each asked of it: false alarms are counted'
	@echo 'make bench       measure, beside the alternatives'
	@echo 'make format      format C and Python in place'
	@echo 'make clean       remove build/, .venv and .venvs'

demo:
	@$(python) tools/environments.py build
	@sh tools/demo.sh

test:
	@$(python) tools/check.py test

quick:
	@$(python) tools/check.py quick

check:
	@$(python) tools/check.py check

check-fast:
	@$(python) tools/check.py check-fast

oracle:
	@$(python) tests/oracle/oracle.py --programs $(or $(PROGRAMS),2000) $(ORACLE)

corpus:
	@$(python) tools/environments.py build
	@.venv/bin/python tests/corpus/run.py $(CORPUS)

corpus-clean:
	@$(python) tools/environments.py build
	@.venv/bin/python tests/corpus/clean.py --packages $(CLEAN)

bench:
	@$(python) tools/environments.py bench
	@.venv/bin/python bench/run.py $(BENCH); snapshots=$$?; \
	.venv/bin/python bench/heap/peers.py $(BENCH_HEAP); heap=$$?; \
	.venv/bin/python bench/weak/patterns.py $(BENCH_PATTERNS); patterns=$$?; \
	.venv/bin/python bench/weak/signals.py $(BENCH_SIGNALS); signals=$$?; \
	.venv/bin/python bench/weak/containers.py $(BENCH_WEAK) && \
	exit $$((snapshots | heap | patterns | signals))

format:
	@$(python) tools/check.py --fix clang-format ruff-format

clean:
	@rm -rf build .venv .venvs .mypy_cache .ruff_cache .pytest_cache
