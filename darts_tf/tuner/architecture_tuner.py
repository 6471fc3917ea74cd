"""Differentiable search as a tuner of Keras Tuner."""

import copy
import dataclasses
import pathlib
import shutil
from collections.abc import Sequence

import keras
import keras_tuner
import tensorflow as tf
from keras_tuner.errors import FailedTrialError

from darts_tf import macros, methods, spaces, tasks
from darts_tf.common import seeds
from darts_tf.common.errors import UserError
from darts_tf.genotypes.genotype import Genotype
from darts_tf.networks import training
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.search.time_left import TimeLeft
from darts_tf.tuner import checks
from darts_tf.tuner.networks import ImageNetworks, Networks
from darts_tf.tuner.resumable import ResumableTuner, ended_by_a_full_disk
from darts_tf.tuner.search_data import SearchData


class ArchitectureTuner(ResumableTuner):
    """A tuner whose trials are differentiable searches.

    A trial searches a cell on the training images, half of them for the weights and half for the
    alphas (Liu, Simonyan, Yang, ICLR 2019, algorithm 1), builds the network of that cell, trains it
    on all of them and scores it by the task's objective, such as `val_accuracy`, on the validation
    images, which neither has seen.
    What the trials differ in are the settings of the search: one value is fixed, several are a
    hyperparameter of that name, and so is a pair (least, greatest) for a learning rate.

    A trial that raises an error is marked as failed and the next one begins; after three in a row
    Keras Tuner gives up. A tuner of the same `directory` and `project_name` goes on where the one
    before was stopped, within a search from its last checkpoint.

    Args:
        space: the name of a search space, or a `Space` of your own.
        input_shape: `(height, width, channels)` of an image.
        num_classes: number of logits.
        method: a method's name or a `Method` of your own, or several, with different names. Those
            that train no supernet, such as TE-NAS, are not among them.
        search_epochs: epochs of the differentiable search. Default 25.
        channels: of the supernet's first cell; None for the macro network's own (DARTS: 16).
        cells: of the supernet; None for the macro network's own (DARTS: 8).
        weight_learning_rate: first learning rate of the supernet's weights; None for the method's.
        architecture_learning_rate: of the alphas; None for the method's, which grows where the
            search has fewer steps than the paper's, see `darts_tf.methods.paper_rate.PaperRate`.
        network_channels, network_cells: of the derived network; None for the macro network's own
            (DARTS: 36 and 20).
        recipe: how the derived network is trained; its `epochs` are those of `search`. Default:
            DARTS' recipe without drop path.
        max_trials: number of trials.
        seed: of all random choices; a trial adds its number.
        oracle: proposes the hyperparameters. Its objective is the task's, `val_accuracy` of images.
            Default: random.
        task: see `darts_tf.tasks`; default: the classification of images. The data of others come
            as a `SearchData`.
        macro: the network around the cells of the supernets; None for the space's own. A method
            that is given by its name has the settings of searches in that network.
        networks: how the derived networks are built, trained and scored, such as
            `LanguageNetworks`; `network_channels`, `network_cells` and `recipe` are for the default
            only. Default: `ImageNetworks`.
        **kwargs: more arguments of `keras_tuner.Tuner`: `directory`, `project_name`, `overwrite`.

    Raises:
        UserError: an argument is out of its range.

    Example:
        >>> tuner = ArchitectureTuner("darts_cnn", (32, 32, 3), 10, method=("darts-v1", "gdas"))
        >>> tuner.search(images, labels, validation_data=(val_images, val_labels), epochs=20)
        >>> tuner.get_best_genotypes()[0].save("genotype.json")
    """

    def __init__(
        self,
        space: str | spaces.Space,
        input_shape: tuple[int, ...],
        num_classes: int,
        *,
        method: str | methods.Method | Sequence[str | methods.Method] = "darts-v1",
        search_epochs: int | Sequence[int] = 25,
        channels: int | Sequence[int] | None = None,
        cells: int | Sequence[int] | None = None,
        weight_learning_rate: float | tuple[float, float] | None = None,
        architecture_learning_rate: float | tuple[float, float] | None = None,
        network_channels: int | None = None,
        network_cells: int | None = None,
        recipe: training.Recipe | None = None,
        max_trials: int = 10,
        seed: int = 0,
        oracle: keras_tuner.Oracle | None = None,
        task=None,
        macro: str | macros.Macro | None = None,
        networks: Networks | None = None,
        **kwargs,
    ):
        self.task = tasks.get(task)
        self.space = spaces.get(space)
        self.input_shape = tuple(input_shape)
        self.num_classes = num_classes
        self.seed = seed
        self.recipe = recipe or training.Recipe(drop_path=0.0)
        size = self.input_shape, num_classes, network_channels, network_cells
        stem = macros.get(macro or self.space.macro).stem_name
        self._networks = networks or ImageNetworks(*size, self.recipe, self.task, stem)
        self._macro = macro
        self._methods = self._chosen_methods(method)
        self._settings = {
            # Hyperparameters are names.
            "method": list(self._methods),
            "search_epochs": checks.check_values("search_epochs", search_epochs),
            "channels": checks.check_values("channels", channels),
            "cells": checks.check_values("cells", cells),
        }
        self._rates = {
            name: checks.check_rate(name, given)
            for name, given in (
                ("weight_learning_rate", weight_learning_rate),
                ("architecture_learning_rate", architecture_learning_rate),
            )
        }
        oracle = oracle or keras_tuner.oracles.RandomSearchOracle(
            objective=checks.trial_objective(self.task),
            max_trials=max_trials,
            seed=seeds.of_oracle(seed),
        )
        checks.check_oracle(oracle, self.task)
        # Declared now, because a second process would otherwise find nothing to tune.
        oracle.update_space(self._hyperparameters())
        super().__init__(oracle, **kwargs)

    def search(
        self,
        x,
        y=None,
        *,
        validation_data=None,
        epochs: int = 20,
        batch_size: int = 64,
        callbacks=(),
        verbose: int | str = "auto",
    ) -> None:
        """Runs all trials that are left.

        Args:
            x: training images `[N, ...]`, or a `tf.data.Dataset` of batches (images, labels), in
                any order but without random augmentation (`darts_tf.tuner.halves`), or a
                `SearchData`, which holds all the rest too.
            y: labels `[N]` or `[N, 1]`, integers; None with a data set.
            validation_data: images and labels, or a data set of batches.
            epochs: of the derived network's training.
            batch_size: where arrays are given.
            callbacks: Keras callbacks for the training of the derived network, which see `val_loss`
                and such as `val_accuracy` after every epoch; every trial has copies of its own.
                `keras.callbacks.TensorBoard` writes to a folder for each trial, and its
                hyperparameters and scores there, for TensorBoard's HParams.
            verbose: 0 is silent, 1 reports every trial.

        Raises:
            UserError: there is no whole batch in a half of the training images, there are no
                validation data, labels are not integers from 0 to `num_classes - 1`, a data set
                gives other examples in every pass, arrays are not those of the trials that are in
                the tuner's folder already, or it is another task and `x` is no `SearchData`.
        """
        if not isinstance(x, SearchData):
            checks.check_arrays(self.task)
            x = SearchData.of(x, y, validation_data, batch_size, self.seed, self.num_classes)
        checks.check_data(x, self.task, self.space, self.input_shape, self.num_classes)
        x.refuse_other(self.project_dir)
        super().search(x, epochs=epochs, callbacks=list(callbacks), verbose=verbose)

    @ended_by_a_full_disk()
    def run_trial(self, trial, data, *, epochs, callbacks, verbose) -> dict[str, float]:
        """Searches, trains and tests; see the class. Writes genotype.json and the weights."""
        folder = pathlib.Path(self.get_trial_dir(trial.trial_id))
        callbacks = copy.deepcopy(callbacks)
        self._configure_tensorboard_dir(callbacks, trial)
        said = [TimeLeft(["loss"])] if verbose else []
        try:
            self._start(trial)
            genotype, scores = self._search(trial.hyperparameters, data, folder, said)
            genotype.save(folder / "genotype.json")
            # A search that went on where it was stopped has drawn fewer random numbers here.
            self._start(trial)
            network = self._networks.build(genotype)
            self._networks.train(network, data, epochs, [*callbacks, *said])
        except UserError as error:
            raise FailedTrialError(str(error)) from error
        tested = self._networks.validate(network, data)
        scores |= {f"val_{name}": value for name, value in tested.items()}
        _write_scores(scores, callbacks, epochs)
        network.save_weights(folder / "network.weights.h5")
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        return scores

    def load_model(self, trial) -> keras.Model:
        """The trained network of a trial; `get_best_models` calls it."""
        self._check_completed(trial)
        path = pathlib.Path(self.get_trial_dir(trial.trial_id), "network.weights.h5")
        return self._networks.load(self._genotype(trial), path)

    def get_best_genotypes(self, num_genotypes: int = 1) -> list[Genotype]:
        """The cells of the best trials, best first; fewer if fewer trials have succeeded.

        Raises:
            UserError: no trial has succeeded; says why the last one failed.
        """
        trials = self.oracle.get_best_trials(num_genotypes)
        self._check_completed(trials[0] if trials else None)
        return [self._genotype(trial) for trial in trials if trial.status == "COMPLETED"]

    def _hyperparameters(self) -> keras_tuner.HyperParameters:
        hp = keras_tuner.HyperParameters()
        for name, options in self._settings.items():
            if len(options) > 1:
                hp.Choice(name, options)
        for name, rate in self._rates.items():
            if isinstance(rate, tuple):
                hp.Float(name, *rate, sampling="log")
        return hp

    def _value(self, hp, name):
        fixed = self._rates[name] if name in self._rates else self._settings[name][0]
        return hp.get(name) if name in hp else fixed

    def _chosen_methods(self, given) -> dict[str, methods.Method]:
        """The methods by their names."""
        found = [self._method(method) for method in checks.check_values("method", given)]
        named = {method.name: method for method in found}
        if len(named) < len(found):
            raise UserError(f"method is {given!r}; expected methods with different names")
        for one in found:
            checks.check_method(one)
        return named

    def _method(self, method) -> methods.Method:
        """The method, in the settings of the supernets' network if it is given by its name."""
        settings = macros.get(self._macro or self.space.macro).search_settings
        found = methods.get(method)
        by_name = isinstance(method, str) and settings is not None
        return found.with_settings(settings) if by_name else found

    def _start(self, trial) -> None:
        """Makes what follows depend on the trial alone, not on what this process did before."""
        keras.utils.clear_session()
        keras.utils.set_random_seed(seeds.of_trial(self.seed, int(trial.trial_id)))

    def _search(self, hp, data, folder, callbacks):
        """The genotype that a trial's search finds, and the supernet's scores."""
        method = self._methods[self._value(hp, "method")]
        if rate := self._value(hp, "weight_learning_rate"):
            least = min(rate, method.weight_learning_rate[1])
            method = dataclasses.replace(method, weight_learning_rate=(rate, least))
        if rate := self._value(hp, "architecture_learning_rate"):
            method = dataclasses.replace(method, architecture_learning_rate=rate)
        supernet = method.make_supernet(
            self.space,
            self.input_shape,
            self.num_classes,
            self._value(hp, "channels"),
            self._value(hp, "cells"),
            seed=self.seed,
            macro=self._macro,
        )
        search = ArchitectureSearch(supernet, method, task=self.task)
        search.fit(
            *data.halves,
            epochs=self._value(hp, "search_epochs"),
            callbacks=callbacks,
            verbose=0,
            checkpoint_dir=folder / "checkpoints",
            keep_checkpoints=1,
        )
        objective = self.task.objective.name
        scores = {f"supernet_val_{objective}": search.evaluate(data.validation)[objective]}
        return search.genotype(data.halves[1](0)), scores

    def _genotype(self, trial) -> Genotype:
        return Genotype.load(pathlib.Path(self.get_trial_dir(trial.trial_id), "genotype.json"))

    def _check_completed(self, trial) -> None:
        if trial is None or trial.status != "COMPLETED":
            lines = (trial.message or "").strip().splitlines() if trial else []
            reason = f"; trial {trial.trial_id} failed with {lines[-1]}" if lines else ""
            raise UserError(f"there is no such finished trial in {self.project_dir}{reason}")


def _write_scores(scores, callbacks, epochs) -> None:
    """Writes a trial's scores beside its hyperparameters, where TensorBoard's HParams find them."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.TensorBoard):
            with tf.summary.create_file_writer(str(callback.log_dir)).as_default(step=epochs):
                for name, value in scores.items():
                    tf.summary.scalar(name, value)
