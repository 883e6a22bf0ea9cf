#!/usr/bin/env bash
# All set-up of a fresh Debian or Ubuntu machine, into .venv. Each step leaves a stamp with the hash of what it was made
# from, so a second run does nothing. PYTHON=/path/to/python3.x chooses the interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=$PWD/.venv
STAMPS=$VENV/stamps
LOG=$VENV/setup.log
SYSTEM_PACKAGES=(cmake g++ make libegl1 libgl1-mesa-dri)
unset AMENT_PREFIX_PATH CMAKE_PREFIX_PATH PYTHONPATH PYTHONHOME VIRTUAL_ENV

fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 2
}

# hash_of WORD... -- FILE...: one hash of the words and of the files' contents.
hash_of() {
  local words=()
  while [[ $1 != -- ]]; do words+=("$1") && shift; done
  shift
  { printf '%s\n' "${words[@]}" && cat "$@" </dev/null; } | sha256sum | cut -d ' ' -f 1
}

# step NAME HASH COMMAND...: run the command unless its stamp holds HASH; the stamp is written last.
step() {
  local name=$1 hash=$2 started=$SECONDS
  shift 2
  if [[ -f $STAMPS/$name && $(<"$STAMPS/$name") == "$hash" ]]; then return; fi
  printf 'setup: %s ... ' "$name"
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    printf 'failed\n' && tail -n 40 "$log" >&2
    rm -f "$log"
    fail "step '$name' failed; its last lines are above"
  fi
  mkdir -p "$STAMPS"
  { printf '== %s\n' "$name" && cat "$log"; } >>"$LOG" && rm -f "$log"
  printf '%s' "$hash" >"$STAMPS/.new" && mv "$STAMPS/.new" "$STAMPS/$name"
  printf '%d s\n' $((SECONDS - started))
}

installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

install_system_packages() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update && apt-get install --yes --no-install-recommends "$@"
}

# need_packages PACKAGE...: install what is missing, or say what to install.
need_packages() {
  command -v dpkg-query >/dev/null || return 0 # another distribution: the build names what it lacks
  local missing=() package
  for package in "$@"; do command -v "$package" >/dev/null || installed "$package" || missing+=("$package"); done
  [[ ${#missing[@]} -eq 0 ]] && return
  [[ $(id -u) -eq 0 ]] || fail "missing system packages; run: sudo apt-get install ${missing[*]}"
  step system "$(date +%s)" install_system_packages "${missing[@]}"
}

# What identifies the Python behind a command; fails unless the wheels support it and it has venv and C headers.
identity() {
  "$1" -IS - 2>/dev/null <<'CHECK'
import ensurepip, pathlib, sys, sysconfig, venv
headers = pathlib.Path(sysconfig.get_path('include'), 'Python.h')
if (3, 11) <= sys.version_info[:2] <= (3, 13) and headers.exists():
    sys.exit(print(sys.base_prefix, sys.version))
sys.exit(1)
CHECK
}

# The environment's own Python comes first: it answers at once, and nothing changes while it stays usable.
find_python() {
  local candidate
  for candidate in ${PYTHON:-"$VENV/bin/python" python3 python3.11 python3.12 python3.13 /usr/bin/python3}; do
    if identity "$candidate" >/dev/null; then command -v "$candidate" && return; fi
  done
  return 1
}

make_environment() {
  local base
  base=$("$1" -IS -c 'import sys; print(sys._base_executable)')
  if [[ -f $STAMPS/environment ]]; then rm -rf "$VENV"; fi # moved, or another Python
  "$base" -m venv "$VENV"
}

pip_install() {
  "$VENV/bin/python" -m pip install --disable-pip-version-check --constraint constraints.txt "$@"
}

exec 9<scripts/setup.sh && flock 9 # a second set-up of the same tree waits
if ! python=$(find_python); then
  [[ -z ${PYTHON:-} ]] || fail "PYTHON=$PYTHON is no Python 3.11-3.13 with venv and headers"
  series=$(. /etc/os-release && [[ $VERSION_ID == 22.04 ]] && printf 3.11 || printf 3) # Ubuntu 22.04 starts at 3.10
  need_packages "python$series" "python$series-dev" "python$series-venv"
  python=$(find_python) || fail 'no Python 3.11-3.13 with venv and headers found; set PYTHON=/path/to/python3.x'
fi
need_packages "${SYSTEM_PACKAGES[@]}"
step environment "$(hash_of "$VENV" "$(identity "$python")" --)" make_environment "$python"
step requirements "$(hash_of -- constraints.txt requirements/ros.txt requirements/dev.txt)" \
  pip_install -r requirements/ros.txt -r requirements/dev.txt
step packages "$(hash_of -- constraints.txt setup.py package.xml ros2_ws/src/vla_mbpo_{sim,robot}/{setup.py,setup.cfg,package.xml})" \
  pip_install --use-pep517 --no-build-isolation -e . -e ros2_ws/src/vla_mbpo_sim -e ros2_ws/src/vla_mbpo_robot
step messages "$(hash_of -- scripts/build_messages.py constraints.txt ros2_ws/src/vla_mbpo_msgs/{CMakeLists.txt,package.xml,{msg,srv}/*})" \
  "$VENV/bin/python" scripts/build_messages.py
