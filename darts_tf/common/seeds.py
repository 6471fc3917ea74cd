"""Where random numbers come from: what is drawn is a function of a seed and of a position.

Nothing counts how often it has drawn, so that a resumed search draws what an uninterrupted one
would.
"""

import tensorflow as tf

from darts_tf.common.errors import UserError


def of_level(seed: int, steps: tf.Tensor, level: int) -> tf.Tensor:
    """The seed of what a level of a search draws in a step, `[2]` int32.

        [seed, 2 steps + level] of the levels 0 and 1, [seed, -1 - 2 steps - (level - 2)] of 2 and 3

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
