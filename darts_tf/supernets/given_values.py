"""Computing with a supernet whose variables have given values."""

from collections.abc import Iterable, Sequence

import keras
import tensorflow as tf

from darts_tf.supernets.supernet import Supernet


def given_values(
    supernet: Supernet,
    weights: Sequence | None = None,
    architecture: Sequence | None = None,
    others: Iterable[tuple] = (),
) -> keras.StatelessScope:
    """A scope in which a supernet is a function of these values and writes nothing.

    What a pass would write, moving statistics and random state, stays in the scope, and so do the
    losses that layers add, as its `losses`.

    Args:
        supernet: the supernet.
        weights, architecture: values of `weight_variables` and of `architecture_variables`; None
            for those that they have.
        others: pairs of another variable and its value.
    """
    given = []
    if weights is not None:
        given += zip(supernet.weight_variables, weights, strict=True)
    if architecture is not None:
        given += zip(supernet.architecture_variables, architecture, strict=True)
    return keras.StatelessScope(state_mapping=[*given, *others], collect_losses=True)


def random_states(variables: Iterable[keras.Variable], micro_batch) -> list[tuple]:
    """The states of random generators as a micro-batch finds them; none for a whole batch.

    Each layer draws once in a pass, and a draw counts its generator up by one, so that
    micro-batches draw what they would one after the other.

    Args:
        variables: those of integers are such states.
        micro_batch: its number, scalar int32, or None.
    """
    if micro_batch is None:
        return []
    return [
        (variable, variable + tf.cast([0, micro_batch], variable.dtype))
        for variable in variables
        if tf.as_dtype(variable.dtype).is_integer
    ]
