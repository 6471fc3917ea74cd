"""Two searches in one process, one after the other, give what each gives alone."""

import json

import numpy as np
import pytest

from tests import forks, one_stage
from tests.train import bad_data
from train import search
from train.search import DistributedSearchConfig

# Quick to trace.
SIZE = {"space": one_stage.SPACE, "channels": 2, "cells": 1, "batch_size": 4, "epochs": 2}
OTHERS = ({"method": "darts-v1", "seed": 3, "precision": "float32"}, {"method": "gdas", "seed": 4})


def configurations(folder):
    common = {**SIZE, "dataset": str(folder / "odd.npz"), "eigenvalue_every": 0}
    return [
        DistributedSearchConfig(output_dir=str(folder / str(number)), **common, **other)
        for number, other in enumerate(OTHERS)
    ]


def found(folder):
    """The decisions and the description of a search, without the times."""
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    records = [{k: v for k, v in record.items() if "seconds" not in k} for record in records]
    with np.load(folder / "operation_weights.npz") as weights:
        arrays = {name: weights[name].tolist() for name in weights}
    return json.loads((folder / "genotype.json").read_text()), records, arrays


def run(*configs):
    for config in configs:
        search.main(config)


@pytest.mark.slow
def test_two_in_a_process(tmp_path):
    alone, together = tmp_path / "alone", tmp_path / "together"
    for folder in (alone, together):
        folder.mkdir()
        bad_data.write_odd(folder / "odd.npz")
    processes = [[config] for config in configurations(alone)] + [configurations(together)]
    for number, configs in enumerate(processes):
        log = tmp_path / f"{number}.txt"
        process = forks.start(run, *configs, log=log)
        process.join()
        assert process.exitcode == 0, log.read_text()
    for number in range(len(OTHERS)):
        assert found(together / str(number)) == found(alone / str(number))
    first, second = (found(together / str(number)) for number in range(len(OTHERS)))
    assert first[1] != second[1]
