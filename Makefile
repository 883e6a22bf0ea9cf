# Every target is one line; what it does stands in the script or command it calls.
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint conformance bench clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1 - \2/p' Makefile

setup: ## Install everything into .venv (quick when nothing changed)
	@scripts/setup.sh

demo: setup ## Collect five episodes of pick cup on the simulated ARX-X5 through ROS 2
	@.venv/bin/vla-mbpo demo

test: setup ## Run every check: format, lint, types, imports, tests, coverage
	@scripts/test.sh

lint: setup ## Run the checks that need no test: format, lint, types, imports
	@scripts/lint.sh

conformance: setup ## Let stock lerobot open our datasets and train on them, and read one of its own (8 GB)
	@scripts/conformance.sh

bench: setup ## Measure and print: rendering, control period, image path, ...
	@.venv/bin/python bench/run.py

clean: ## Remove build outputs and caches; keeps .venv and datasets
	@scripts/clean.sh
