"""A chief and two workers of Keras Tuner: `python -m tests.tuner.three_processes FOLDER PORT`.

The trials train nothing. Every worker writes the numbers of its trials to a file of its own.
"""

import os
import pathlib
import sys
import time

import keras_tuner
from keras_tuner.src.distribute import oracle_chief

from darts_tf import genotypes, spaces
from darts_tf.tuner import CellHyperModel, start_with

TRIALS = 6
FIRST = [genotypes.sample(spaces.NAS_BENCH_201, seed) for seed in range(2)]


class Counted(keras_tuner.RandomSearch):
    """Scores a cell by its number of convolutions."""

    def run_trial(self, trial, *args, **kwargs):
        with open(pathlib.Path(self.directory, self.tuner_id), "a") as file:
            file.write(f"{trial.trial_id}\n")
        _wait_for_the_other(self.directory)
        edges = self.hypermodel.genotype(trial.hyperparameters)["normal"].edges
        return {"score": sum("conv" in edge.operation for edge in edges)}


def _wait_for_the_other(directory) -> None:
    """So that one worker cannot do all trials while the other one starts."""
    while not all(pathlib.Path(directory, worker).exists() for worker in ("tuner0", "tuner1")):
        time.sleep(0.01)


def _run(name: str, directory: str, port: str) -> None:
    os.environ |= {
        "KERASTUNER_TUNER_ID": name,
        "KERASTUNER_ORACLE_IP": "127.0.0.1",
        "KERASTUNER_ORACLE_PORT": port,
    }
    hypermodel = CellHyperModel("nas_bench_201", (8, 8, 1), 10, channels=2, cells=3)
    tuner = Counted(
        objective=keras_tuner.Objective("score", "max"),
        max_trials=TRIALS,
        seed=1,
        hyperparameters=hypermodel.hyperparameters(),
        directory=directory,
    )
    tuner.hypermodel = hypermodel
    if name == "chief":
        start_with(tuner, FIRST)
        # It looks every 20 s whether the workers have left.
        oracle_chief.time = _Hasty
    tuner.search(verbose=0)
    if name == "chief":
        best = tuner.oracle.get_best_trials(1)[0]
        print(len(tuner.oracle.trials), best.score, flush=True)


class _Hasty:
    @staticmethod
    def sleep(seconds):
        time.sleep(0.1)


def main(directory: str, port: str) -> None:
    """Forks the three, because to import TensorFlow takes longer than all else."""
    children = []
    for name in ("chief", "tuner0", "tuner1"):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                _run(name, directory, port)
                code = 0
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                sys.stdout.flush()
                os._exit(code)
        children.append(child)
    sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))


if __name__ == "__main__":
    main(*sys.argv[1:])
