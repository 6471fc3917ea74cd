#!/usr/bin/env bash
# Makes the virtual environment .venv-clients with requirements-clients.txt, unless that has been
# done. The clients want other versions of some packages than the project has in .venv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly requirements=requirements-clients.txt stamp=.venv-clients/installed-requirements
if [[ -f $stamp ]] && cmp --silent "$requirements" "$stamp"; then
  exit
fi
.venv/bin/python -m venv --clear .venv-clients
# As in scripts/make_venv.sh: uv where it is, and where it can reach what it asks for.
if ! { [[ -x .venv/bin/uv ]] &&
  .venv/bin/uv pip install --quiet --python .venv-clients -r "$requirements"; }; then
  .venv-clients/bin/python -m pip install --quiet --disable-pip-version-check -r "$requirements"
fi
cp "$requirements" "$stamp"
