"""The data that a user gives, as a function from the number of the epoch to batches."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from darts_tf.common import seeds
from darts_tf.common.errors import UserError

Batches = tf.data.Dataset | Callable[[int], tf.data.Dataset] | tuple

_EXPECTED = (
    "expected a tf.data.Dataset of batches, a pair of arrays (inputs, targets), perhaps with "
    "weights as a third, or a function from the number of the epoch to a data set"
)


def by_epoch(
    name: str,
    data: Batches,
    *,
    batch_size: int = 64,
    seed: int | None = None,
    drop_remainder: bool = False,
) -> Callable[[int], tf.data.Dataset]:
    """The function from the number of the epoch to batches that data are, or give always.

    Args:
        name: of the data, in the plural, for messages: "training data".
        data: a data set, a function, or a tuple of two or three arrays `[examples, ...]`: inputs,
            targets and weights.
        batch_size: of arrays; all examples where there are fewer.
        seed: of the order of arrays, another one in each epoch; None: they stay in their order.
        drop_remainder: whether a last batch of arrays that is not full is left out.

    Raises:
        UserError: data are something else, or arrays do not fit together.
    """
    if isinstance(data, tf.data.Dataset):
        return lambda epoch: data
    if callable(data) and not hasattr(data, "__getitem__"):
        return lambda epoch: _data_set(name, data(epoch))
    if isinstance(data, tuple) and len(data) in (2, 3) and all(map(_is_array, data)):
        return _of_arrays(name, data, batch_size, seed, drop_remainder)
    raise UserError(f"the {name} are {_described(data)}; {_EXPECTED}{_hint(name, data)}")


def _data_set(name, data) -> tf.data.Dataset:
    if not isinstance(data, tf.data.Dataset):
        raise UserError(
            f"the function for the {name} returned {_described(data)}; expected a tf.data.Dataset "
            "of batches"
        )
    return data


def one_stream(name: str, data):
    """Data that are read once: arrays as batches in their order, anything else as it is."""
    if isinstance(data, tuple) or _is_array(data):
        return by_epoch(name, data)(0)
    return data


def _is_array(data) -> bool:
    return isinstance(data, np.ndarray | tf.Tensor | list) or hasattr(data, "__array__")


def _described(data) -> str:
    if _is_array(data) and not isinstance(data, list):
        return f"an array of shape {list(np.shape(data))}"
    if isinstance(data, tuple | list):
        kinds = ", ".join(type(part).__name__ for part in data[:3])
        return f"a {type(data).__name__} of {len(data)} ({kinds}{', ...' if data[3:] else ''})"
    return "missing" if data is None else f"a {type(data).__name__}"


def _hint(name, data) -> str:
    if data is None:
        return (
            ". Without some of their own, give half of the training examples, which the other half "
            "must not hold: darts_tf.datasets.split(x, y, 0.5, seed=0) cuts arrays, .take(n) and "
            ".skip(n) a data set that does not shuffle"
        )
    if _is_array(data) and not isinstance(data, list):
        return ". Inputs and targets belong together: fit((x, y), (x_validation, y_validation))"
    if hasattr(data, "__getitem__") or hasattr(data, "__iter__"):
        return ". Make a data set of it with tf.data.Dataset.from_generator and assert_cardinality"
    return ""


def _of_arrays(name, arrays, batch_size, seed, drop_remainder):
    arrays = [np.asarray(array) for array in arrays]
    for array, part in zip(arrays, ("inputs", "targets", "weights"), strict=False):
        if array.dtype == object:
            raise UserError(
                f"the {part} of the {name} are an array of objects, such as parts of different "
                "shapes; make them one array of numbers"
            )
        if not array.ndim or len(array) != len(arrays[0]):
            raise UserError(
                f"the {name} have {len(arrays[0]) if arrays[0].ndim else 'no'} inputs and {part} "
                f"of shape {list(array.shape)}; all need one line an example"
            )
    if batch_size < 1:
        raise UserError(f"batch_size must be at least 1, got {batch_size}")
    count = len(arrays[0])
    size = min(batch_size, count) or 1
    arrays = [x.astype(np.float32) if x.dtype == np.float64 else x for x in arrays]
    with tf.device("CPU"):
        # Once, in place of a copy in each epoch.
        tensors = tuple(tf.convert_to_tensor(array) for array in arrays)

    def batches(epoch: int) -> tf.data.Dataset:
        order = np.arange(count)
        if seed is not None:
            np.random.default_rng(seeds.of_epoch(seed, epoch)).shuffle(order)
        data = tf.data.Dataset.from_tensor_slices(order)
        data = data.batch(size, drop_remainder=drop_remainder)
        data = data.map(lambda rows: tuple(tf.gather(x, rows) for x in tensors))
        return data.prefetch(tf.data.AUTOTUNE)

    return batches
