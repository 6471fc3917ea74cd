"""A search that two processes share is stopped by SIGTERM, and goes on, as one that is not."""

import json
import os
import signal
import socket

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import spaces
from darts_tf.runtime.train_function import TrainFunction
from tests import forks
from tests.train import bad_data
from train import search, stops
from train.search import DistributedSearchConfig

# The least that has two types of cell: quick to trace.
SPACE = spaces.Space("stopping_workers", ("none", "skip_connect", "nor_conv_1x1"), nodes=1)
# Steps: half of 24 images, in batches of 2.
EPOCH = 6


def run(config, index: int, stopped: int | None) -> None:
    """A worker, which gets the signal in the middle of the second epoch if it is `stopped`."""
    stops.install()
    spaces.register(SPACE)
    call, calls = TrainFunction.__call__, []

    def counted(function, *batch):
        calls.append(1)
        if index == stopped and len(calls) == EPOCH + 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return call(function, *batch)

    TrainFunction.__call__ = counted
    search.main(config)


def run_workers(folder, name: str, start: int, stopped: int | None = None) -> list[int]:
    """The exit codes of both workers."""
    config = DistributedSearchConfig(
        **{"space": SPACE.name, "method": "darts-v1", "channels": 2, "cells": 3},
        **{"batch_size": 2, "epochs": 2, "eigenvalue_every": 0},
        **{"dataset": str(folder / "odd.npz"), "output_dir": str(folder / name)},
    )
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    cluster = {"worker": [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]}
    for s in sockets:
        s.close()
    processes = []
    for index in range(2):
        task = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        log = folder / f"{name}_{start}_{index}.txt"
        environment = {"TF_CONFIG": json.dumps(task)}
        arguments = config, index, stopped
        processes.append(forks.start(run, *arguments, log=log, environment=environment))
    for process in processes:
        process.join(timeout=120)
    return [process.exitcode for process in processes]


def variables(folder) -> dict[str, np.ndarray]:
    """What the last checkpoint of a search holds, but for the number of checkpoints before it."""
    reader = tf.train.load_checkpoint(str(folder / "checkpoints"))
    names = [name for name in reader.get_variable_to_shape_map() if "save_counter" not in name]
    arrays = {name: reader.get_tensor(name) for name in names}
    return {name: x for name, x in arrays.items() if isinstance(x, np.ndarray | np.generic)}


def records(folder) -> list[dict]:
    """The epochs, without their times."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(x).items() if "seconds" not in k} for x in lines]


@pytest.mark.slow
def test_one_is_told_and_both_stop(tmp_path):
    """A cluster that takes a machine away tells that one alone, not the one that writes."""
    bad_data.write_odd(tmp_path / "odd.npz")
    assert run_workers(tmp_path, "whole", 0) == [0, 0]
    assert run_workers(tmp_path, "cut", 0, stopped=1) == [143, 143]
    for index in range(2):
        log = (tmp_path / f"cut_0_{index}.txt").read_text()
        assert "stopped in epoch 2 after step 2; the same command goes on from there" in log
    assert not (tmp_path / "cut" / "genotype.json").exists()
    position = variables(tmp_path / "cut")
    assert {k: int(x) for k, x in position.items() if k.startswith(("epoch/", "step/"))} == {
        "epoch/.ATTRIBUTES/VARIABLE_VALUE": 1,
        "step/.ATTRIBUTES/VARIABLE_VALUE": 2,
    }

    assert run_workers(tmp_path, "cut", 1) == [0, 0]
    found, expected = variables(tmp_path / "cut"), variables(tmp_path / "whole")
    assert found.keys() == expected.keys()
    # Sums of losses are kept worker by worker and restored in equal shares.
    means = {name for name in expected if "metrics" in name}
    assert means and len(expected) - len(means) > 20
    for name, array in expected.items():
        tolerance = 1e-6 if name in means else 0
        np.testing.assert_allclose(found[name], array, rtol=tolerance, atol=0, err_msg=name)
    for one, other in zip(records(tmp_path / "cut"), records(tmp_path / "whole"), strict=True):
        assert one.pop("entropy_by_step") == other.pop("entropy_by_step")
        assert one == pytest.approx(other, rel=1e-6)
    genotypes = [(tmp_path / x / "genotype.json").read_text() for x in ("cut", "whole")]
    assert genotypes[0] == genotypes[1]
