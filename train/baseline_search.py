"""Searches that train one network after the other, without a supernet: random, aging-evolution."""

import dataclasses
import json
import statistics
import time

from absl import flags

from darts_tf import selections
from darts_tf.common import files, reading
from darts_tf.common.errors import UserError
from darts_tf.common.progress import duration
from train import data_flags

_CANDIDATES = flags.DEFINE_integer(
    "candidates",
    None,
    "With --method=random or aging-evolution: how many networks to train, 20 by default. With "
    "random-ws: how many to evaluate with the supernet's weights, 1000 by default.",
    lower_bound=1,
)
_CANDIDATE_EPOCHS = flags.DEFINE_integer(
    "candidate_epochs",
    None,
    "With --method=random or aging-evolution: epochs to train each network, 3 by default.",
    lower_bound=1,
)
FLAGS = (_CANDIDATES, _CANDIDATE_EPOCHS)


def refuse_flags(method) -> None:
    """Refuses the flags of this file for a `Method` that they do not belong to."""
    samples = hasattr(selections.get(method.selection), "samples")
    for flag in FLAGS:
        if flag.value is not None and not (flag is _CANDIDATES and samples):
            raise UserError(
                f"--{flag.name} is for the methods random and aging-evolution, got "
                f"--method={method.name}"
            )


def with_samples(selection):
    """The selection with so many architectures as --candidates says; None where it says nothing."""
    if _CANDIDATES.value is None:
        return None
    return dataclasses.replace(selection, samples=_CANDIDATES.value)


def check(others) -> None:
    """Refuses flags that mean nothing here.

    Args:
        others: flags that only methods with a supernet have.
    """
    for flag in others:
        if flag.present:
            raise UserError(f"--{flag.name} has no meaning for a method without a supernet")


def run(
    baseline, space, data, folder, *, channels, cells, batch_size, train_portion, learning_rate
):
    """Trains candidates and logs each; goes on with the log of an earlier start.

    Args:
        baseline: a `darts_tf.baselines.Baseline`.
        space: the search space.
        data: the images; the candidates are compared on those that do not train them.
        folder: where candidates.jsonl is.
        channels, cells: of the candidates' networks.
        batch_size: of their training.
        train_portion: share of the training images that trains.
        learning_rate: first learning rate; None for DARTS' 0.025.

    Returns:
        The best genotype, and what is written down about the search.
    """
    from darts_tf import baselines

    budget = _CANDIDATES.value or 20
    log = _Log(folder.file("candidates.jsonl"))
    evaluate = _Training(
        data,
        channels,
        cells,
        batch_size,
        train_portion,
        {"learning_rate": learning_rate} if learning_rate else {},
    )

    def evaluate_and_log(genotype):
        started = time.perf_counter()
        score = evaluate(genotype, number=len(log.records))
        log.add(genotype, score, time.perf_counter() - started)
        done, seconds = len(log.records), [record["seconds"] for record in log.records]
        left = statistics.median(seconds) * (budget - done)
        print(
            f"candidate {done}/{budget}  validation accuracy {score:.4f}  {seconds[-1]:.1f} s"
            + (f", about {duration(left)} left" if left else ""),
            flush=True,
        )
        return score

    candidates = baselines.run(
        baseline, space, evaluate_and_log, budget, data_flags.SEED.value, log.candidates()
    )
    best = baselines.best(candidates)
    return best.genotype, {
        "method": baseline.name,
        "candidates": budget,
        "candidate_epochs": _CANDIDATE_EPOCHS.value or 3,
        "validation_accuracy": best.score,
        "candidate_seconds": round(sum(record["seconds"] for record in log.records), 1),
    }


class _Log:
    """The candidates as JSON lines, written anew with every candidate.

    Args:
        path: the file; its records are read if it is there.
    """

    def __init__(self, path):
        self._path = path
        self.records = reading.read_json_lines(path)

    def add(self, genotype, score, seconds) -> None:
        self.records.append(
            {
                "candidate": len(self.records) + 1,
                "validation_accuracy": score,
                "seconds": round(seconds, 3),
                "genotype": genotype.to_dict(),
            }
        )
        lines = "".join(json.dumps(record) + "\n" for record in self.records)
        files.write(self._path, lines)

    def candidates(self) -> list:
        from darts_tf.baselines import Candidate
        from darts_tf.genotypes.genotype import Genotype

        return [
            Candidate(Genotype.from_dict(record["genotype"]), record["validation_accuracy"])
            for record in self.records
        ]


class _Training:
    """Trains a candidate's network from scratch; its score is the validation accuracy.

    Args:
        data, channels, cells, batch_size, train_portion: see `run`.
        recipe: changes to the recipe of `darts_tf.networks.training`.
    """

    def __init__(self, data, channels, cells, batch_size, train_portion, recipe):
        from darts_tf import datasets
        from darts_tf.networks import training

        self._data = data
        self._size = channels, cells
        self._batch_size = batch_size
        self._parts = datasets.split(
            data.train_images, data.train_labels, train_portion, data_flags.SEED.value
        )
        self._recipe = training.Recipe(epochs=_CANDIDATE_EPOCHS.value or 3, drop_path=0.0, **recipe)

    def __call__(self, genotype, number: int) -> float:
        import keras

        from darts_tf import datasets
        from darts_tf.networks import training
        from darts_tf.networks.network import build_network

        data = self._data
        # Of the number alone, so that a resumed search trains as an uninterrupted one.
        keras.utils.clear_session()
        keras.utils.set_random_seed(10_000 * data_flags.SEED.value + number)
        network = build_network(genotype, data.image_shape, data.num_classes, *self._size)
        normalization = {"mean": data.mean, "std": data.std}
        training.train_network(
            network,
            lambda epoch: datasets.batches(
                *self._parts[0],
                self._batch_size,
                **normalization,
                augmentation=data_flags.augmentation(data),
                shuffle=True,
                seed=2 * data_flags.SEED.value,
                epoch=epoch,
                drop_remainder=True,
            ),
            self._recipe,
        )
        validation = datasets.batches(
            *self._parts[1], min(256, len(self._parts[1][1])), **normalization
        )
        return float(training.test_network(network, validation)["accuracy"])
