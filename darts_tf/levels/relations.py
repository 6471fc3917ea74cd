"""Quadruple relative similarities: what one network's features say of another's, as a loss.

Of four examples, are x and y more similar than w and z (Sheth, Xie, "Improving Differentiable
Neural Architecture Search by Encouraging Transferability", ICLR 2023)? Here a network that has
features answers with a probability, and a second one is trained to give the same answers. How is
our reading, because we had the paper only in part: an answer that is yes or no would have no
gradient in the features it comes from, and with it none in the architecture, so that the first
network's answers are probabilities too,

    q = sigmoid((s(x, y) - s(w, z)) / T),

with the cosine or the dot product s of its features, and the loss is the cross-entropy of the
second network's r against them. Its minimum is the entropy of q, not 0.
"""

import itertools

import tensorflow as tf

from darts_tf.common.errors import UserError

#: How features may be compared, and the temperature T that goes with it.
SIMILARITIES = {"cosine": 0.1, "dot": 1.0}
# Added to the square of a length, so that features of zeros have a similarity of 0.
_EPSILON = 1e-8


def all_quadruples(examples: int) -> list[tuple[int, int, int, int]]:
    """All ways to compare two pairs of four different examples, up to the orders that say the same.

    A pair has no order, and comparing the second with the first says what the comparison of the
    first with the second does: 3 for each four examples.
    """
    found = []
    for a, b, c, d in itertools.combinations(range(examples), 4):
        found += [(a, b, c, d), (a, c, b, d), (a, d, b, c)]
    return found


def quadruples(examples: int, count: int, seed: tf.Tensor) -> tf.Tensor:
    """Quadruples (x, y, w, z) of different examples of a batch, `[quadruples, 4]` int32.

    Args:
        examples: number of them.
        count: how many quadruples to draw; all are taken where there are no more than that.
        seed: `[2]` integers, of the draw.

    Raises:
        UserError: there are less than four examples.
    """
    if examples < 4:
        raise UserError(
            f"a batch of {examples} examples has no four different ones to compare; use batches of "
            "4 or more"
        )
    # 3 (examples over 4) of them.
    if examples * (examples - 1) * (examples - 2) * (examples - 3) // 8 <= count:
        return tf.constant(all_quadruples(examples), tf.int32)
    order = tf.random.stateless_uniform([count, examples], seed)
    return tf.argsort(order, axis=-1)[:, :4]


def similarity(left: tf.Tensor, right: tf.Tensor, kind: str = "cosine") -> tf.Tensor:
    """How similar features are, `[n]`, of two tensors `[n, channels]`; symmetric.

    Args:
        left, right: features.
        kind: one of `SIMILARITIES`.
    """
    products = tf.reduce_sum(left * right, -1)
    if kind == "dot":
        return products
    squares = (tf.reduce_sum(x * x, -1) + _EPSILON for x in (left, right))
    return products * tf.math.rsqrt(tf.multiply(*squares))


def margins(features: tf.Tensor, indices: tf.Tensor, kind: str = "cosine") -> tf.Tensor:
    """s(x, y) - s(w, z) of quadruples, `[quadruples]`.

    Args:
        features: `[batch, channels]`.
        indices: `[quadruples, 4]` int32, x, y, w, z.
        kind: one of `SIMILARITIES`.
    """
    # A row at a time of a one-hot matrix instead of a gather, whose gradient would be sparse.
    x, y, w, z = (
        tf.one_hot(column, features.shape[0], dtype=features.dtype) @ features
        for column in tf.unstack(indices, axis=1)
    )
    return similarity(x, y, kind) - similarity(w, z, kind)


def relation_losses(
    main: tf.Tensor, auxiliary: tf.Tensor, temperature: float = 1.0, hard: bool = False
) -> tf.Tensor:
    """-(q log r + (1 - q) log(1 - r)) of each quadruple; twice differentiable.

    Args:
        main: margins of the network that gives the answers.
        auxiliary: those of the network that learns them, of the same shape.
        temperature: T.
        hard: whether q is 1 where the margin is above 0 and 0 elsewhere. No gradient reaches the
            first network then.
    """
    answers = tf.cast(main > 0, auxiliary.dtype) if hard else tf.sigmoid(main / temperature)
    return tf.nn.sigmoid_cross_entropy_with_logits(answers, auxiliary / temperature)
