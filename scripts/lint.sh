#!/usr/bin/env bash
# Checks that read the code without running it: one line per check, the output only of those that fail.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PWD/.venv/bin:$PATH
failed=0

check() {
  local name=$1 started=$SECONDS output
  shift
  if output=$("$@" 2>&1); then
    printf 'lint: %-12s ok (%d s)\n' "$name" $((SECONDS - started))
  else
    printf 'lint: %-12s FAILED\n%s\n' "$name" "$output"
    failed=1
  fi
}

check 'ruff format' ruff format --check --quiet --diff .
check 'ruff check' ruff check --quiet .
check mypy mypy
check lint-imports lint-imports --no-logo
exit "$failed"
