"""Where random numbers come from: what is drawn is a function of a seed and of a position.

Nothing counts how often it has drawn, so that a resumed search draws what an uninterrupted one
would. Each kind of draw has a formula of its own:

| function      | numbers                         | of                                             |
|---------------|---------------------------------|------------------------------------------------|
| `of_level`    | [seed, 2 steps + level], or     | what a level of a search draws in a step       |
|               | [seed, -1 - 2 steps - level + 2]|                                                |
| `of_part`     | a hash of ([2], number)         | a part of what such a pair is for: a cell type,|
|               |                                 | a cell, a part of a batch                      |
| `of_stream`   | streams seed + number           | the order of a data set's parts                |
| `of_epoch`    | 10,000 seed + epoch             | the order of arrays in memory in an epoch      |
| `of_trial`    | 10,000 seed + number            | all that a trial or a candidate network draws  |
| `of_oracle`   | 10,000 (seed + 1)               | Keras Tuner's oracle, which counts it up       |
| `of_variable` | seed + 7919 number              | where an architecture variable starts          |
| `of_sample`   | 1,000,000 seed + number         | a genotype                                     |
| `consecutive` | seed + number                   | layers of one network; stages of one search;   |
|               |                                 | a trial, from its oracle's seed on             |

Within a row no two draws of seeds from 0 on share a number, as long as positions are below what the
seed is multiplied by (of `of_variable`: as long as seeds are below 7919). `consecutive` is the
exception: seed 0's second number is seed 1's first, which is what networks and searches of the past
have drawn. Numbers of different rows may be equal, because they are for different generators.
"""

import tensorflow as tf

from darts_tf.common.errors import UserError

#: What Keras and numpy take as a seed is below this.
_LIMIT = 2**32


def of_level(seed: int, steps: tf.Tensor, level: int) -> tf.Tensor:
    """The seed of what a level of a search draws in a step, `[2]` int32.

    Args:
        seed: of the supernet.
        steps: how many steps there were before, scalar int32.
        level: its number in the chain, 0 for the outermost.

    Raises:
        UserError: there are more levels than numbers.
    """
    if not 0 <= level < 4:
        raise UserError(f"level {level} of a search cannot draw; only the first four can")
    position = 2 * steps + level % 2
    return tf.stack([seed, position if level < 2 else -1 - position])


def of_part(seed: tf.Tensor, number) -> tf.Tensor:
    """The seed of one of several independent parts of what a seed is for, both `[2]`.

    Args:
        seed: `[2]` integers.
        number: of the part, an int32.
    """
    return tf.random.experimental.stateless_fold_in(seed, number)


def of_stream(seed: int, number: int, streams: int = 2) -> int:
    """The seed of the order in which one of several parts of a data set comes.

    Args:
        seed: of the run.
        number: of the part, below `streams`.
        streams: how many parts there are.
    """
    return streams * seed + number


def of_epoch(seed: int, epoch: int) -> int:
    """The seed of the order of arrays in an epoch, below 10,000."""
    return 10_000 * seed + epoch


def of_trial(seed: int, number: int) -> int:
    """The seed of all that a trial, or the training of a candidate, draws."""
    return (10_000 * seed + number) % _LIMIT


def of_oracle(seed: int) -> int:
    """The seed of an oracle of Keras Tuner.

    It counts its seed up with every draw, so that near ones would share their draws.
    """
    return 10_000 * (seed + 1) % _LIMIT


def of_variable(seed: int, number: int) -> int:
    """The seed of an architecture variable's initial values."""
    return seed + 7919 * number


def of_sample(seed: int, number: int) -> int:
    """The seed of one of many genotypes that are drawn."""
    return seed * 10**6 + number


def consecutive(seed: int, number: int) -> int:
    """The seed of one of a few layers, stages or trials, which those of the next seed share."""
    return (seed + number) % _LIMIT
