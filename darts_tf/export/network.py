"""A trained network of any task as files that need no Keras, compared with the Keras one."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from darts_tf import tasks
from darts_tf.common.errors import UserError
from darts_tf.export import writing
from darts_tf.export.checks import check_version
from darts_tf.export.comparison import TOLERANCE
from darts_tf.export.conversion import NEXT, Signature
from darts_tf.export.formats import LITERT, ONNX, SAVED_MODEL, Options, check_formats
from darts_tf.export.other_files import ExportedFile, write_files
from darts_tf.export.readme import README, explanation

# What dimensions that may be of any length are made of for the comparison.
_BATCH, _LENGTH = 4, 5


@dataclasses.dataclass(frozen=True)
class NetworkExport:
    """The result of `export_network`.

    Attributes:
        directory: the version folder, `MODEL/1`.
        size_bytes: the size of all its files.
        max_difference: the largest difference between the answers of the export and of the Keras
            model, absolute for numbers up to 1, relative for larger ones; of the SavedModel or,
            without one, of the first of the files.
        files: what there is beside a SavedModel.
    """

    directory: Path
    size_bytes: int
    max_difference: float
    files: tuple[ExportedFile, ...] = ()


def export_network(
    network,
    directory,
    *,
    task=None,
    signature=None,
    assets: Mapping[str, str | None] | None = None,
    **options,
) -> NetworkExport:
    """Writes a trained network as a SavedModel, or in other formats, which need no Keras.

    The SavedModel goes to `directory/<version>/`. Its signature `serving_default` takes the inputs
    as they are, with the names that `signature` gives them, and returns the task's `answers`. Of a
    task that carries a state there is `serving_state` besides: it also takes `state_0`, `state_1`
    and so on, and returns them as they are after the batch; `serving_default` begins with the
    initial ones. Images with their preprocessing inside are `export_model`'s.

    The formats "onnx" and "litert" are one file each in the same folder, `model.onnx` and
    `model.tflite`, of one signature: of a task that carries a state, the one that takes and returns
    it (as `next_state_0` in ONNX), for which the first one must be zeros. In LiteRT all dimensions
    but the batch's must be known, and a task that carries a state gets one step a call. They need
    `requirements-export.txt`.

    All are loaded again, each by its own runtime, and compared with `network` on made-up inputs
    before the folder gets its final name, so a folder with that name is always complete and right.

    Args:
        network: a built Keras model.
        directory: the folder that gets the version folder; made if missing.
        task: see `darts_tf.tasks`; default: the classification of images.
        signature: a structure of `tf.TensorSpec` with a name each, the first dimension None.
            Default: the inputs of a functional model.
        assets: more files for the folder `assets`, name -> contents; None for none.
        **options: `version`, the number of the version folder, at least 1, the default;
            `overwrite`, whether this version is replaced if it is there already, by default not;
            `formats`, one or several of "savedmodel", the default, "onnx" and "litert".

    Raises:
        UserError: the model's inputs are not known, the packages of a format are missing or it
            cannot hold the model, the version is no number or exists and `overwrite` is false, the
            folder cannot be written, or the export's answers differ from the model's.
    """
    version, overwrite, formats = Options(**options)
    check_version(version)
    check_formats(formats)
    task = tasks.get(task)
    signature = _signature(network) if signature is None else signature

    served = Served(network, task, signature)

    def write(folder) -> Compared:
        difference = None
        if SAVED_MODEL not in formats:
            writing.write_texts(folder / "assets", assets or {})
        else:
            module = served.module()
            with writing.assets(folder, assets or {}) as kept:
                module.assets = kept
                tf.saved_model.save(module, str(folder), signatures=served.functions())
            # It owns the variables of its signatures.
            loaded = tf.saved_model.load(str(folder))
            difference = served.compare(loaded.signatures)
        return served.write_files(folder, formats, difference)

    written = writing.write_version(directory, version, overwrite, write)
    return NetworkExport(written.directory, written.size_bytes, *written.found)


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


class Compared(NamedTuple):
    """How far an export is from the Keras model, and its files; see `NetworkExport`."""

    max_difference: float
    files: tuple[ExportedFile, ...]


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

    def write_files(self, folder: Path, formats, difference: float | None) -> Compared:
        """Writes the files of formats beside the SavedModel; see `other_files.write_files`.

        Args:
            folder: where they go.
            formats: their names.
            difference: that of the SavedModel, None without one.
        """
        served = {ONNX: self, LITERT: self._in_steps() if LITERT in formats else self}
        if self._states and {*formats} & {*served}:
            self._check_start()

        def signature(name) -> Signature:
            one = served[name]
            return Signature(one._network, one.run, [*one._inputs, *one._states])

        def compare(name, run, tolerance) -> float:
            def answers(**inputs):
                return {key.removeprefix(NEXT): value for key, value in run(**inputs).items()}

            return served[name].compare({served[name]._last: answers}, tolerance)

        files = write_files(folder, formats, signature, compare)
        writing.write_texts(folder, {README: explanation(folder, bool(self._states))})
        differences = [file.max_difference for file in files]
        return Compared(
            max(differences if difference is None else [difference, *differences]), files
        )

    @property
    def _last(self) -> str:
        return "serving_state" if self._states else "serving_default"

    def _in_steps(self) -> "Served":
        """The same with inputs whose lengths are known: one step of a task that carries a state."""
        unknown = [spec for spec in self._inputs if None in spec.shape[1:]]
        if unknown and not self._states:
            raise UserError(
                f"the input {unknown[0].name} has the shape {unknown[0].shape}, and LiteRT has no "
                "loops over a length that is not known: give a signature with a known one, or "
                "leave litert out of the formats"
            )
        return Served(self._network, self._task, _with_lengths(self._signature, None, 1))

    def _check_start(self) -> None:
        for value in tf.nest.flatten(self._task.initial_state(self._network, 1)):
            if np.any(value):
                raise UserError(
                    "the network's first state is not zeros, and only a SavedModel keeps it: leave "
                    "onnx and litert out of the formats"
                )

    def compare(self, functions, tolerance: float = TOLERANCE) -> float:
        """The largest difference on one batch and, with a state, on two in a row.

        Args:
            functions: by the signature's name, from tensors by name to answers by name.
            tolerance: what is allowed.

        Raises:
            UserError: it is more.
        """
        draw, worst = np.random.default_rng(0), 0.0
        for batch in (_BATCH, 1):
            if (function := functions.get("serving_default")) is not None:
                tensors = self._made_up(draw, batch)
                worst = max(worst, self._difference(function, tensors, tolerance))
            if (function := functions.get("serving_state")) is not None:
                worst = max(worst, self._compare_states(function, draw, batch, tolerance))
        return worst

    def _compare_states(self, function, draw, batch, tolerance) -> float:
        state, worst = tf.nest.flatten(self._task.initial_state(self._network, batch)), 0.0
        for _ in range(2):
            tensors = [*self._made_up(draw, batch), *state]
            worst = max(worst, self._difference(function, tensors, tolerance))
            after = self.run(*tensors)
            state = [after[spec.name] for spec in self._states]
        return worst

    def _made_up(self, draw, batch) -> list[tf.Tensor]:
        made = self._task.made_up_inputs(_with_lengths(self._signature, batch, _LENGTH), draw)
        return [tf.constant(x) for x in tf.nest.flatten(made)]

    def _difference(self, function, tensors, tolerance) -> float:
        names = [spec.name for spec in (*self._inputs, *self._states)][: len(tensors)]
        answers = function(**dict(zip(names, tensors, strict=True)))
        return _largest_difference(answers, self.run(*tensors), tolerance)


def _with_lengths(signature, batch, length):
    """The signature with a batch, and with a length where there is none."""

    def fill(spec):
        lengths = [batch, *(length if n is None else n for n in spec.shape[1:])]
        return tf.TensorSpec(lengths, spec.dtype, name=spec.name)

    return tf.nest.map_structure(fill, signature)


def _largest_difference(answers, expected, tolerance) -> float:
    worst = 0.0
    for name, value in expected.items():
        one, other = (np.asarray(x).astype(float) for x in (answers[name], value))
        if not np.isfinite(other).all():
            raise UserError(
                f"the model's {name} are not finite; nothing was exported; train it again, for "
                "example with a smaller learning rate"
            )
        found = float(np.max(np.abs(one - other) / np.maximum(1, np.abs(other)), initial=0.0))
        if not found <= tolerance:
            raise UserError(
                f"the export's {name} differ from the Keras model's by {found:.2g} (allowed: "
                f"{tolerance:g}); nothing was exported; does a layer behave differently inside a "
                "tf.function?"
            )
        worst = max(worst, found)
    return worst
