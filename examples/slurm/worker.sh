#!/bin/bash
# Becomes a command that finds its cluster in TF_CONFIG, made of what srun tells each of its tasks:
#
#     srun bash examples/slurm/worker.sh python -m train.search --output_dir=RUN ...
#
# Task i is worker i and listens on its node at the port PORT + its number there; PORT is given, or
# follows from the job's number. All tasks of the step belong to one cluster (block distribution,
# which is srun's default).
set -eu
: "${SLURM_PROCID:?is not set: start this script by srun}"
port=${PORT:-$((20000 + SLURM_JOB_ID % 10000))}
# Such as 2(x3),1: two tasks on each of three nodes, one on the next one.
IFS=, read -ra parts <<< "$SLURM_STEP_TASKS_PER_NODE"
counts=()
for part in "${parts[@]}"; do
    times=1
    if [[ $part =~ \(x([0-9]+)\)$ ]]; then times=${BASH_REMATCH[1]}; fi
    for ((i = 0; i < times; i++)); do counts+=("${part%%(*}"); done
done
workers=""
node=0
for host in $(scontrol show hostnames "$SLURM_STEP_NODELIST"); do
    for ((i = 0; i < counts[node]; i++)); do workers+=",\"$host:$((port + i))\""; done
    node=$((node + 1))
done
task="{\"type\": \"worker\", \"index\": $SLURM_PROCID}"
export TF_CONFIG="{\"cluster\": {\"worker\": [${workers#,}]}, \"task\": $task}"
exec "$@"
