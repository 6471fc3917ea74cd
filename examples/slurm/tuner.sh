#!/bin/bash
# Becomes a command that shares its trials with others as Keras Tuner does: task 0 is the chief,
# which proposes and trains nothing, the others are tuner0, tuner1, ...
#
#     srun bash examples/slurm/tuner.sh python -m train.tune --output_dir=RUN ...
set -eu
: "${SLURM_PROCID:?is not set: start this script by srun}"
export KERASTUNER_ORACLE_IP=$(scontrol show hostnames "$SLURM_STEP_NODELIST" | head -n 1)
export KERASTUNER_ORACLE_PORT=${PORT:-$((20000 + SLURM_JOB_ID % 10000))}
export KERASTUNER_TUNER_ID=chief
if [ "$SLURM_PROCID" != 0 ]; then
    export KERASTUNER_TUNER_ID=tuner$((SLURM_PROCID - 1))
fi
exec "$@"
