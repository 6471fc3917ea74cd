import pathlib
import socket
import subprocess
import sys

from darts_tf.genotypes.genotype import Genotype
from darts_tf.tuner import CellHyperModel
from tests.tuner import three_processes


def test_each_trial_is_done_once(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = subprocess.run(
        [sys.executable, "-m", "tests.tuner.three_processes", str(tmp_path), str(port)],
        capture_output=True,
        text=True,
        cwd=pathlib.Path(__file__).parents[2],
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    by_worker = [(tmp_path / name).read_text().split() for name in ("tuner0", "tuner1")]
    assert all(by_worker), by_worker
    trials = sorted(by_worker[0] + by_worker[1])
    assert trials == [str(i) for i in range(three_processes.TRIALS)]
    assert int(done.stdout.split()[0]) == three_processes.TRIALS
    # The chief reloads what the workers reported.
    hypermodel = CellHyperModel("nas_bench_201", (8, 8, 1), 10, channels=2, cells=3)
    tuner = three_processes.Counted(
        objective=three_processes.keras_tuner.Objective("score", "max"),
        max_trials=three_processes.TRIALS,
        hyperparameters=hypermodel.hyperparameters(),
        directory=tmp_path,
    )
    trials = tuner.oracle.trials
    assert {trial.status for trial in trials.values()} == {"COMPLETED"}
    first = [hypermodel.genotype(trials[str(i)].hyperparameters) for i in range(2)]
    assert first == three_processes.FIRST and isinstance(first[0], Genotype)
    best = max(trials.values(), key=lambda trial: trial.score)
    assert float(done.stdout.split()[1]) == best.score
