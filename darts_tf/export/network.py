"""A trained network of any task as a SavedModel, compared with the Keras one."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from darts_tf import tasks
from darts_tf.common.errors import UserError
from darts_tf.export import writing
from darts_tf.export.checks import check_version
from darts_tf.export.comparison import TOLERANCE

# What dimensions that may be of any length are made of for the comparison.
_BATCH, _LENGTH = 4, 5


@dataclasses.dataclass(frozen=True)
class NetworkExport:
    """The result of `export_network`.

    Attributes:
        directory: the version folder, `MODEL/1`.
        size_bytes: the size of all its files.
        max_difference: the largest difference between the answers of the export and of the Keras
            model, absolute for numbers up to 1, relative for larger ones.
    """

    directory: Path
    size_bytes: int
    max_difference: float


def export_network(
    network,
    directory,
    *,
    task=None,
    signature=None,
    version: int = 1,
    overwrite: bool = False,
    assets: Mapping[str, str | None] | None = None,
) -> NetworkExport:
    """Writes a trained network as a SavedModel that needs no Keras.

    The SavedModel goes to `directory/<version>/`. Its signature `serving_default` takes the inputs
    as they are, with the names that `signature` gives them, and returns the task's `answers`. Of a
    task that carries a state there is `serving_state` besides: it also takes `state_0`, `state_1`
    and so on, and returns them as they are after the batch; `serving_default` begins with the
    initial ones. Images with their preprocessing inside are `export_model`'s.

    The export is loaded again and compared with `network` on made-up inputs before it gets its
    final name, so a folder with that name is always complete and right.

    Args:
        network: a built Keras model.
        directory: the folder that gets the version folder; made if missing.
        task: see `darts_tf.tasks`; default: the classification of images.
        signature: a structure of `tf.TensorSpec` with a name each, the first dimension None.
            Default: the inputs of a functional model.
        version: the number of the version folder, at least 1.
        overwrite: replace this version if it is there already.
        assets: more files for the folder `assets`, name -> contents; None for none.

    Raises:
        UserError: the model's inputs are not known, the version is no number or exists and
            `overwrite` is false, the folder cannot be written, or the export's answers differ from
            the model's.
    """
    check_version(version)
    task = tasks.get(task)
    signature = _signature(network) if signature is None else signature

    served = Served(network, task, signature)

    def write(folder) -> float:
        module = served.module()
        with writing.assets(folder, assets or {}) as kept:
            module.assets = kept
            tf.saved_model.save(module, str(folder), signatures=served.functions())
        return served.compare(tf.saved_model.load(str(folder)))

    return NetworkExport(*writing.write_version(directory, version, overwrite, write))


def _signature(network):
    try:
        inputs = network.inputs
    except AttributeError:
        inputs = None
    if not inputs:
        raise UserError(
            "the inputs of the model are not known; give signature, such as "
            'tf.TensorSpec([None, None], tf.int32, name="tokens")'
        )
    specs = [tf.TensorSpec(x.shape, x.dtype, name=x.name) for x in inputs]
    return specs if len(specs) > 1 else specs[0]


class Served:
    """A network as functions of flat lists of tensors, as the signatures of a SavedModel are."""

    def __init__(self, network, task, signature):
        self._network, self._task, self._signature = network, task, signature
        self._inputs = tf.nest.flatten(signature)
        start = tf.nest.flatten(task.initial_state(network, _BATCH)) if task.carries_state else []
        self._states = [
            tf.TensorSpec([None, *x.shape[1:]], x.dtype, name=f"state_{i}")
            for i, x in enumerate(start)
        ]

    def module(self) -> tf.Module:
        """The saved module: TensorFlow's variables, no Keras objects, which need Keras to load."""
        module = tf.Module()
        module.model_variables = [variable.value for variable in self._network.variables]
        return module

    def functions(self) -> dict:
        """The signatures by name."""
        found = {"serving_default": self._function(self._inputs)}
        if self._states:
            found["serving_state"] = self._function([*self._inputs, *self._states])
        return found

    def _function(self, specs):
        return tf.function(
            lambda *tensors: self.run(*tensors), input_signature=specs, autograph=False
        )

    def run(self, *tensors) -> dict[str, tf.Tensor]:
        """The answers to inputs and, if it is given, a state; then with the state after them."""
        task, network, given = self._task, self._network, tensors[len(self._inputs) :]
        inputs = tf.nest.pack_sequence_as(self._signature, tensors[: len(self._inputs)])
        state = None
        if self._states:
            state = task.initial_state(network, tf.shape(tensors[0])[0])
        if given:
            state = tf.nest.pack_sequence_as(state, given)
        outputs, after = task.call(network, inputs, state, training=False)
        states = zip(self._states, tf.nest.flatten(after), strict=True) if given else ()
        return {**task.answers(outputs), **{spec.name: x for spec, x in states}}

    def compare(self, loaded) -> float:
        """The largest difference on one batch and, with a state, on two in a row."""
        draw, state = np.random.default_rng(0), []
        if not self._states:
            return self._difference(loaded.signatures["serving_default"], self._made_up(draw))
        state = tf.nest.flatten(self._task.initial_state(self._network, _BATCH))
        first = self._made_up(draw)
        worst = self._difference(loaded.signatures["serving_default"], first)
        for _ in range(2):
            tensors = [*self._made_up(draw), *state]
            found = self._difference(loaded.signatures["serving_state"], tensors)
            worst = max(worst, found)
            after = self.run(*tensors)
            state = [after[spec.name] for spec in self._states]
        return worst

    def _made_up(self, draw) -> list[tf.Tensor]:
        made = self._task.made_up_inputs(_with_lengths(self._signature), draw)
        return [tf.constant(x) for x in tf.nest.flatten(made)]

    def _difference(self, function, tensors) -> float:
        names = [spec.name for spec in (*self._inputs, *self._states)][: len(tensors)]
        answers = function(**dict(zip(names, tensors, strict=True)))
        return _largest_difference(answers, self.run(*tensors))


def _with_lengths(signature):
    def fill(spec):
        lengths = [_BATCH, *(_LENGTH if n is None else n for n in spec.shape[1:])]
        return tf.TensorSpec(lengths, spec.dtype)

    return tf.nest.map_structure(fill, signature)


def _largest_difference(answers, expected) -> float:
    worst = 0.0
    for name, value in expected.items():
        one, other = answers[name].numpy().astype(float), value.numpy().astype(float)
        if not np.isfinite(other).all():
            raise UserError(
                f"the model's {name} are not finite; nothing was exported; train it again, for "
                "example with a smaller learning rate"
            )
        found = float(np.max(np.abs(one - other) / np.maximum(1, np.abs(other)), initial=0.0))
        if not found <= TOLERANCE:
            raise UserError(
                f"the export's {name} differ from the Keras model's by {found:.2g} (allowed: "
                f"{TOLERANCE:g}); nothing was exported; does a layer behave differently inside a "
                "tf.function?"
            )
        worst = max(worst, found)
    return worst
