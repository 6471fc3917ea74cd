"""The stages of a search: which supernet each has, and where its checkpoints are."""

import dataclasses
import pathlib
import random

import tensorflow as tf

from darts_tf.common.seeds import consecutive
from darts_tf.methods.method import Method
from darts_tf.runs import checkpoints
from darts_tf.schedules.stages import next_stage
from darts_tf.schedules.transitions import NextStage
from darts_tf.search.record import SUPERNET_SETTING
from darts_tf.supernets.supernet import Supernet


class Stages:
    """The stages of a method; a single one where it names none.

    The checkpoints of the last stage are in the folder of the search itself, those of stage 1 in
    its folder stage_1 and so on.

    Args:
        method: of the whole search.
        first: the supernet of the first stage. A later one has as many more cells than it as the
            method says, another seed, and is the same otherwise.
    """

    def __init__(self, method: Method, first: Supernet):
        self._method = method
        self._first = first
        self._strategy = tf.distribute.get_strategy()

    def __len__(self) -> int:
        return max(len(self._method.stages), 1)

    def method(self, number: int) -> Method:
        """The method of a stage alone."""
        stages = self._method.stages
        return self._method.of_stage(stages[number]) if stages else self._method

    def supernet(self, number: int, edge_operations=None) -> Supernet:
        """The supernet of a stage: the first one, or a new one with initial values of its own.

        What it is, its initial values too, depends on the arguments alone, so that a search that
        goes on in another process has the same.

        Args:
            number: of the stage, from 0.
            edge_operations: its candidates; see `Supernet`.
        """
        if number == 0:
            return self._first
        config = self._first.get_config()
        stages = self._method.stages
        seed = consecutive(config["seed"], number)
        options = self.method(number).supernet_options()
        changes = {
            "cells": config["cells"] + stages[number].cells - stages[0].cells,
            "edge_operations": edge_operations,
            "seed": seed,
            "controls": [*config.get("controls", ()), *options["controls"]],
            "decisions": config["decisions"] or options["decisions"],
        }
        own = {k: v for k, v in config.items() if k != "name"}
        before = random.getstate()
        try:
            # Keras takes the seeds of layers that have none from Python's generator.
            random.seed(seed)
            with self._strategy.scope():
                return type(self._first).from_config({**own, **changes})
        finally:
            random.setstate(before)

    def after(self, number: int, search) -> NextStage | None:
        """The stage that follows when one of a search is over; None after the last one."""
        space, mixture = search.supernet.space, search.operation_weights()
        return next_stage(self._method.stages, number, space, mixture)

    def setting(self, number: int) -> Method:
        """The method of a stage as its checkpoints have it among their settings."""
        return dataclasses.replace(self.method(number), stages=self._method.stages)

    def folder(self, root, number: int) -> pathlib.Path | None:
        """Where a stage's checkpoints are, in the folder of the search; None without one."""
        if root is None:
            return None
        last = number == len(self) - 1
        return pathlib.Path(root) if last else pathlib.Path(root) / f"stage_{number + 1}"

    def reached(self, root) -> NextStage | None:
        """The stage that the checkpoints in a folder have reached; None if there are none yet.

        Only what its supernet is made of is read; its numbers are not.

        Raises:
            UserError: no checkpoint of the stage can be read.
        """
        for number in reversed(range(len(self))):
            folder = self.folder(root, number)
            found = checkpoints.described(folder) if folder is not None else None
            if found is not None:
                name = f"{SUPERNET_SETTING} edge_operations"
                return NextStage(number, found.settings.get(name))
        return None
