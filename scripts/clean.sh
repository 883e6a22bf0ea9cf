#!/usr/bin/env bash
# Remove what builds and checks leave behind; .venv and datasets stay.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rm -rf build dist ros2_ws/{build,install,log} .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
find bench launch offboard ros2_ws scripts tests -name __pycache__ -prune -exec rm -rf {} +
