"""Searches that train one network after the other, without a supernet: random, aging-evolution."""

import dataclasses
import statistics
import time

import keras

from darts_tf import baselines, selections, spaces, tasks
from darts_tf.budget.journal import Journal
from darts_tf.common import seeds
from darts_tf.common.errors import UserError
from darts_tf.common.progress import duration
from darts_tf.genotypes.genotype import Genotype
from darts_tf.networks import training
from darts_tf.networks.network import build_network
from darts_tf.search.time_left import StepsLeft
from train import fields
from train.config import Config


@dataclasses.dataclass(frozen=True, kw_only=True)
class CandidateConfig(Config):
    """How many networks are compared, and how long each is trained."""

    candidates: int | None = fields.integer(
        None,
        "With --method=random or aging-evolution: how many networks to train, 20 by default. With "
        "random-ws: how many to evaluate with the supernet's weights, 1000 by default.",
        lower_bound=1,
    )
    candidate_epochs: int | None = fields.integer(
        None,
        "With --method=random or aging-evolution: epochs to train each network, 3 by default.",
        lower_bound=1,
    )


#: The names of these flags.
NAMES = ("candidates", "candidate_epochs")


def refuse_flags(config: CandidateConfig, method) -> None:
    """Refuses the flags of this file for a `Method` that they do not belong to."""
    samples = hasattr(selections.get(method.selection), "samples")
    for flag, value in config.values(NAMES).items():
        if value is not None and not (flag == "candidates" and samples):
            raise UserError(
                f"--{flag} is for the methods random and aging-evolution, got "
                f"--method={method.name}"
            )


def with_samples(config: CandidateConfig, selection):
    """The selection with so many architectures as --candidates says; None where it says nothing."""
    if config.candidates is None:
        return None
    return dataclasses.replace(selection, samples=config.candidates)


def run(config, data, folder, method):
    """Trains candidates and logs each; goes on with the log of an earlier start.

    Args:
        config: a `SearchConfig` whose method is a baseline.
        data: of the task; the candidates are compared on those that do not train them.
        folder: where candidates.jsonl is.
        method: one without a supernet.

    Returns:
        The best genotype, and what is written down about the search.
    """
    budget = config.candidates or 20
    objective = data.task(config.task).objective
    words = objective.name.replace("_", " ")
    log = _Log(folder.file("candidates.jsonl"), objective)
    evaluate = _Training(config, data)

    def evaluate_and_log(genotype):
        started = time.perf_counter()
        value = evaluate(genotype, number=len(log.records))
        log.add(genotype, value, time.perf_counter() - started)
        done, seconds = len(log.records), [record["seconds"] for record in log.records]
        left = statistics.median(seconds) * (budget - done)
        print(
            f"candidate {done}/{budget}  validation {words} {value:.4f}  {seconds[-1]:.1f} s"
            + (f", about {duration(left)} left" if left else ""),
            flush=True,
        )
        return objective.score(value)

    select, space = selections.get(method.selection), spaces.get(config.space)
    best = select(space, evaluate_and_log, budget, config.seed, log.candidates())
    return best.genotype, {
        "method": method.name,
        "candidates": budget,
        "candidate_epochs": config.candidate_epochs or 3,
        # The sign turns back.
        f"validation_{objective.name}": objective.score(best.score),
        "candidate_seconds": round(sum(record["seconds"] for record in log.records), 1),
    }


class _Log:
    """The candidates of an earlier start and of this one.

    Args:
        path: the file of their journal.
        objective: what candidates are compared by.
    """

    def __init__(self, path, objective: tasks.Objective):
        self._objective = objective
        self._name = f"validation_{objective.name}"
        self._journal = Journal(path)
        self.records = self._journal.records

    def add(self, genotype, value, seconds) -> None:
        self._journal.add(
            {
                "candidate": len(self.records) + 1,
                self._name: value,
                "seconds": round(seconds, 3),
                "genotype": genotype.to_dict(),
            }
        )

    def candidates(self) -> list:
        return [
            baselines.Candidate(
                Genotype.from_dict(record["genotype"]), self._objective.score(record[self._name])
            )
            for record in self.records
        ]


class _Training:
    """Trains a candidate's network from scratch and measures the task's objective on the others.

    Args:
        config, data: see `run`.
    """

    def __init__(self, config, data):
        self._config = config
        self._data = data
        self._task = data.task(config.task)
        self._parts = data.with_validation(config.train_portion, config.seed)
        rate = config.positive("weight_learning_rate")
        self._recipe = training.Recipe(
            epochs=config.candidate_epochs or 3,
            drop_path=0.0,
            **({"learning_rate": rate} if rate else {}),
        )

    def __call__(self, genotype, number: int) -> float:
        config, data = self._config, self._data
        # Of the number alone, so that a resumed search trains as an uninterrupted one.
        keras.utils.clear_session()
        keras.utils.set_random_seed(seeds.of_trial(config.seed, number))
        size = config.size()
        network = build_network(genotype, data.input_shape, data.num_classes, *size, stem=data.stem)
        training.train_network(
            network,
            data.stream(self._parts[0], config.batch_size, seeds.of_stream(config.seed, 0)),
            self._recipe,
            extra_callbacks=[StepsLeft(f"candidate {number + 1}")],
            task=self._task,
        )
        measured = training.test_network(network, data.in_order(self._parts[1]), self._task)
        return float(measured[self._task.objective.name])
