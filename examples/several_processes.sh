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
    if [ -n "$stopped" ]; then break; fi
done
code=0
while ((${#processes[@]} > 0)); do
    for index in "${!processes[@]}"; do
        process=${processes[index]}
        # "wait -n" of bash 5.2 does not know a process that ended before it was called; "wait" does.
        if kill -0 "$process" 2>/dev/null; then continue; fi
        one=0
        wait "$process" || one=$?
        unset "processes[index]"
        if [ $one != 0 ] && [ $code = 0 ]; then
            code=$one
            # A second signal would end at once those that a first one told to save.
            [ -n "$stopped" ] || kill -TERM "${processes[@]}" 2>/dev/null || true
        fi
    done
    sleep 0.1
done
exit $code
