#!/usr/bin/env bash
# Makes the virtual environment .venv and installs all requirements, unless that has been done.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly requirements=(requirements.txt requirements-serve.txt requirements-forecast.txt
  requirements-dev.txt)
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
.venv/bin/python -m pip install --quiet --disable-pip-version-check "${requirements[@]/#/--requirement=}"
cat "${requirements[@]}" > "$stamp"
