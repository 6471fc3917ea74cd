"""A text as a language model reads it: in parallel columns, window after window.

A text of N tokens is laid out in `batch_size` columns of equal length; batch after batch, a window
moves down all of them. So the state that a recurrent network has at the end of a batch is where the
next one begins, column by column; the caller carries it, and starts it anew with every epoch.
"""

import numpy as np
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.datasets.splits import permutation

#: Steps of a window in most of the literature on the Penn Treebank.
STEPS = 35
_HALVED, _DEVIATION, _LEAST = 0.05, 5.0, 5
_LONGEST = 20


def window_lengths(total: int, steps: int = STEPS, seed: int = 0, epoch: int = 0) -> np.ndarray:
    """How long the windows of an epoch of training are.

    Merity, Keskar, Socher, Regularizing and Optimizing LSTM Language Models, ICLR 2018, section
    4.1: the length is drawn from a normal distribution with the deviation 5 around `steps`, or,
    with probability 0.05, around half of that. It is at least 5 (or `steps`, if that is less) and
    at most `steps` + 20. So the windows of one epoch begin elsewhere than those of another. The
    learning rate of a window is to be scaled by its length divided by `steps`.

    Args:
        total: what the lengths add up to, at least 1. The last window is what is left: it may have
            a single step.
        steps: around which the lengths are drawn, at least 1.
        seed: with `epoch`, decides the lengths.
        epoch: number of the epoch, from 0.

    Returns:
        int64 `[windows]`.
    """
    permutation(1, seed, epoch)  # Checks them.
    draws = np.random.RandomState((seed, epoch))
    lengths = []
    while total > 0:
        around = steps if draws.random_sample() >= _HALVED else steps / 2
        length = int(draws.normal(around, _DEVIATION))
        lengths.append(min(max(length, min(_LEAST, steps)), steps + _LONGEST, total))
        total -= lengths[-1]
    return np.array(lengths, np.int64)


def text_batches(tokens, batch_size: int, steps: int = STEPS, *, seed: int = 0, epoch: int = 0):
    """The windows of one epoch of training.

    The `N % batch_size` last tokens are in no column. Of every column, all tokens but the first are
    predicted once.

    `text_batches(...).skip(k)` has exactly the batches that come after the first `k`. The windows
    differ in length, and an epoch's in number. Columns never move: if a batch is shared by
    replicas, each of them keeps its own.

    Args:
        tokens: integers `[N]`. They are read in place, not copied.
        batch_size: how many columns.
        steps: around which `window_lengths` draws.
        seed: with `epoch`, decides the lengths.
        epoch: number of the epoch, from 0.

    Returns:
        A `tf.data.Dataset` of `(inputs, targets)`, both int32 `[batch_size, window]`: the target of
        a token is the one after it. The number of batches is known.

    Raises:
        UserError: a column would have fewer than 2 tokens, or an argument is out of range.
    """
    tokens = _checked(tokens, batch_size, steps)
    length = len(tokens) // batch_size
    if length < 2:
        raise UserError(
            f"a text of {len(tokens)} tokens in {batch_size} columns has {length} a column, and 2 "
            f"are needed: choose a batch of at most {len(tokens) // 2}"
        )
    columns = tokens[: length * batch_size].reshape(batch_size, length)
    lengths = window_lengths(length - 1, steps, seed, epoch)
    ends = np.cumsum(lengths)

    def read(position):
        window = slice(ends[position] - lengths[position], ends[position])
        return columns[:, :-1][:, window], columns[:, 1:][:, window]

    return _windows(read, len(lengths), batch_size, [tf.int32, tf.int32])


def text_windows(tokens, batch_size: int, steps: int = STEPS):
    """Windows of one length over a whole text, to evaluate on.

    Every token but the first of the text, which nothing foretells, is a target exactly once. In
    the last column, the last windows are filled up with targets of weight 0. Every column but the
    first begins without knowing what comes before it; with one column all tokens are predicted
    from all that is before them.

    Args:
        tokens: integers `[N]`. They are read in place, not copied.
        batch_size: how many columns.
        steps: of a window; the last one may have fewer.

    Returns:
        A `tf.data.Dataset` of `(inputs, targets, weights)`: int32, int32 and float32
        `[batch_size, window]`; the weights, 0 and 1, add up to N - 1. The number of batches is
        known.

    Raises:
        UserError: there are more columns than targets, or an argument is out of range.
    """
    tokens = _checked(tokens, batch_size, steps)
    count = len(tokens) - 1
    if count < batch_size:
        raise UserError(
            f"a text of {len(tokens)} tokens has {count} to predict, too few for {batch_size} "
            f"columns: choose a batch of at most {max(count, 1)}, or give a longer text"
        )
    length = -(-count // batch_size)
    starts = np.arange(batch_size)[:, np.newaxis] * length

    def read(position):
        steps_here = np.arange(position * steps, min((position + 1) * steps, length))
        places = starts + steps_here
        counted = (places < count).astype(np.float32)
        places = np.minimum(places, count - 1)
        return tokens[places], tokens[places + 1], counted

    return _windows(read, -(-length // steps), batch_size, [tf.int32, tf.int32, tf.float32])


def _checked(tokens, batch_size, steps):
    tokens = np.asarray(tokens)
    if tokens.ndim != 1 or tokens.dtype.kind not in "iu":
        raise UserError(
            f"a text has type {tokens.dtype} and shape {list(tokens.shape)}: expected integers of "
            "shape [tokens]"
        )
    if batch_size < 1 or steps < 1:
        raise UserError(
            f"a batch of {batch_size} columns and {steps} steps: both must be 1 or more"
        )
    return tokens


def _windows(read, count, batch_size, types):
    @tf.autograph.experimental.do_not_convert
    def prepare(position):
        # The text stays outside the graph: as a constant in it it would be copied every epoch.
        def found(position):
            return [
                np.ascontiguousarray(part, kind.as_numpy_dtype)
                for part, kind in zip(read(position), types, strict=True)
            ]

        window = tf.numpy_function(found, [position], types, stateful=False)
        for part in window:
            part.set_shape([batch_size, None])
        return tuple(window)

    dataset = tf.data.Dataset.range(count).map(prepare, num_parallel_calls=1)
    options = tf.data.Options()
    # There are no files to share out among workers: each takes its part of the columns.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.prefetch(tf.data.AUTOTUNE).with_options(options)
