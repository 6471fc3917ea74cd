#!/bin/bash
# Runs a command in several processes of this machine that share its work:
#
#     bash examples/several_processes.sh 2 python -m train.search --dataset=digits --output_dir=RUN
#
# Each process finds its cluster in TF_CONFIG, as on several machines. When one fails, or this script
# is stopped, all are stopped; the same command goes on from the last checkpoint.
set -eu
if [ $# -lt 2 ]; then
    echo "usage: $0 PROCESSES COMMAND..." >&2
    exit 2
fi
count=$1
shift
ports=$(python3 -c '
import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(one.getsockname()[1] for one in held))' "$count")
workers=$(printf '"127.0.0.1:%s",' $ports)
processes=()
stopped=""
trap 'stopped=yes; kill -TERM "${processes[@]}" 2>/dev/null || true' TERM INT
for ((index = 0; index < count; index++)); do
    task="{\"type\": \"worker\", \"index\": $index}"
    TF_CONFIG="{\"cluster\": {\"worker\": [${workers%,}]}, \"task\": $task}" "$@" &
    processes+=($!)
done
code=0
while ((${#processes[@]} > 0)); do
    ended=""
    one=0
    wait -n -p ended "${processes[@]}" || one=$?
    # Where a signal came, nobody has ended yet: the processes do so by themselves.
    [ -n "${ended:-}" ] || continue
    for index in "${!processes[@]}"; do
        if [ "${processes[index]}" = "$ended" ]; then unset "processes[index]"; fi
    done
    if [ $one != 0 ] && [ $code = 0 ]; then
        code=$one
        # A second signal would end at once those that a first one told to save.
        [ -n "$stopped" ] || kill -TERM "${processes[@]}" 2>/dev/null || true
    fi
done
exit $code
