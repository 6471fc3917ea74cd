#!/usr/bin/env bash
# tritonclient 2.73.0 and kserve 0.21.0, two clients of the Open Inference Protocol over gRPC, cannot be
# imported into one process: both register messages of the protocol under the same names, from
# files of other names, which protobuf refuses. Each works alone.
#
# Seen (protobuf 6.33.6, grpcio 1.85.3): TypeError, "duplicate symbol 'inference.ServerLiveRequest'", in
# either order.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'tritonclient[grpc]==2.73.0' kserve==0.21.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata
import subprocess
import sys

for name in ("tritonclient", "kserve", "protobuf", "grpcio"):
    print(name, importlib.metadata.version(name))
for modules in (["tritonclient.grpc"], ["kserve"], ["tritonclient.grpc", "kserve"], ["kserve", "tritonclient.grpc"]):
    code = "".join(f"import {module}\n" for module in modules)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    last = (done.stderr.strip().splitlines() or ["imported"])[-1] if done.returncode else "imported"
    print(" then ".join(modules) + ":", last[:160])
    if len(modules) == 1:
        assert done.returncode == 0, "changed: one alone cannot be imported"
    else:
        assert done.returncode and "duplicate symbol 'inference." in last, "changed: both can be imported"
print("as described")
PYTHON
