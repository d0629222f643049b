# shellcheck shell=bash
# Sourced by the commands beside it, from the project's folder: leaves a working .venv behind.
# Debian refuses to install packages outside a virtual environment, so the project makes its own.

find_python() {
  local candidate
  for candidate in python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

install_from_debian() {
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "This needs Python 3.11 or newer with its venv module. On Debian: apt-get install $*" >&2
    return 1
  fi
  echo "Installing $* with apt-get …"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

make_venv() {
  local python
  .venv/bin/python -c 'import pip' 2>/dev/null && return
  python=$(find_python) || { install_from_debian python3 python3-venv && python=$(find_python); }
  "$python" -c 'import ensurepip, venv' 2>/dev/null || install_from_debian python3-venv
  echo "Making the virtual environment .venv with $("$python" --version) …"
  "$python" -m venv --clear .venv
}

mkdir -p .local
if command -v flock >/dev/null; then
  # Two commands started at once on a new machine must not both make it.
  exec {venv_lock}>.local/environment.lock
  flock "$venv_lock"
  make_venv
  exec {venv_lock}>&-
else
  make_venv
fi
