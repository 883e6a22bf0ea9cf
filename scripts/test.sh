#!/usr/bin/env bash
# Every check of the repository. Extra words go to pytest: scripts/test.sh -k gate
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/lint.sh
PATH=$PWD/.venv/bin:$PATH
export OMP_NUM_THREADS=1
started=$SECONDS
coverage erase
coverage run -m pytest --numprocesses 2 --dist loadfile "$@"
printf 'test: pytest       ok (%d s)\n' $((SECONDS - started))
coverage combine --quiet
if [[ $# -gt 0 ]]; then exit; fi # a selection of tests says nothing about coverage
if total=$(coverage report --format total); then
  printf 'test: coverage     ok (%s %%)\n' "$total"
else
  coverage report --skip-covered --sort cover
  exit 1
fi
