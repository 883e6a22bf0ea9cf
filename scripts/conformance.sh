#!/usr/bin/env bash
# Compare with stock lerobot, which gets an environment of its own (8 GB, 2-3 minutes the first time). Where it cannot be
# made, the reason is printed and nothing is checked. Extra words go to pytest: scripts/conformance.sh -k act
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

ENVIRONMENT=$PWD/.venv-conformance
NEEDED_GB=12 # 8 GB installed, and what pip unpacks meanwhile
LOG=$ENVIRONMENT.log

skip() {
  printf 'conformance: skipped: %s\n' "$*"
  exit 0
}

make_environment() {
  rm -rf "$ENVIRONMENT"
  .venv/bin/python -m venv "$ENVIRONMENT"
  "$ENVIRONMENT/bin/python" -m pip install --disable-pip-version-check --quiet -r requirements/conformance.txt
}

series=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
wanted=$(sha256sum requirements/conformance.txt)
if [[ ! -f $ENVIRONMENT/complete || $(<"$ENVIRONMENT/complete") != "$wanted" ]]; then
  case $series in
    3.10 | 3.11 | 3.12) ;;
    *) skip "lerobot 0.4.4 has no torch for Python $series; it needs 3.10-3.12" ;;
  esac
  free_gb=$(df --output=avail --block-size=G . | tail -n 1 | tr -dc 0-9)
  [[ $free_gb -ge $NEEDED_GB ]] || skip "$free_gb GB free on this disk, its environment needs $NEEDED_GB GB"
  started=$SECONDS
  printf 'conformance: lerobot environment ... '
  if ! make_environment >"$LOG" 2>&1; then
    printf 'failed\n'
    skip "lerobot cannot be installed (no network?): $(grep -v '^WARNING' "$LOG" | tail -n 1)"
  fi
  printf '%s' "$wanted" >"$ENVIRONMENT/complete" && rm -f "$LOG"
  printf '%d s\n' $((SECONDS - started))
fi
export OMP_NUM_THREADS=1
exec .venv/bin/python -m pytest tests/conformance "$@"
