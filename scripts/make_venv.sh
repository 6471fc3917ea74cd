#!/usr/bin/env bash
# Makes the virtual environment .venv and installs all requirements, unless that has been done.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly requirements=(requirements.txt requirements-serve.txt requirements-forecast.txt
  requirements-export.txt requirements-lower.txt requirements-dev.txt)
# Its text says what was installed; it is written last, so an interrupted installation has none.
readonly stamp=.venv/installed-requirements

python=$(command -v python3.11 || command -v python3 || true)
if [[ -z $python ]] || ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then
  echo "error: Python 3.11 is needed, and neither python3.11 nor python3 is that version" >&2
  exit 2
fi

if [[ -f $stamp ]] && cat "${requirements[@]}" | cmp --silent - "$stamp"; then
  exit
fi
echo "Making .venv and installing the requirements (a few minutes, once) ..."
"$python" -m venv --clear .venv
pip=(.venv/bin/python -m pip install --quiet --disable-pip-version-check)
what=("${requirements[@]/#/--requirement=}")
# uv does what pip does in a third of the time, but does not know pip's settings: not where these
# name another index than PyPI, nor where uv cannot reach what it asks for. Bytecode is written by
# the first import, or now where imports write none.
compile=(${PYTHONDONTWRITEBYTECODE:+--compile-bytecode})
if .venv/bin/python -m pip config list | grep -q '[.]index-url=' ||
  ! { "${pip[@]}" 'uv>=0.13,<1' &&
    .venv/bin/uv pip install --quiet --python .venv "${compile[@]}" "${what[@]}"; }; then
  "${pip[@]}" "${what[@]}"
fi
cat "${requirements[@]}" > "$stamp"
