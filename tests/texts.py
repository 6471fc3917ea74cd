"""A small recurrent search: its space, its text and its streams."""

import dataclasses

import keras
import numpy as np

from darts_tf import datasets, macros, methods, spaces

WORDS, UNITS, BATCH, STEPS = 7, 4, 4, 5
NO_DROPOUT = {"input_dropout": 0.0, "cell_dropout": 0.0, "state_dropout": 0.0}
NO_DROPOUT |= {"output_dropout": 0.0, "slowness": 0.0}

# The network of the paper with two nodes a cell.
SPACE = dataclasses.replace(spaces.DARTS_RNN, name="two_nodes_rnn", nodes=2, edges=None)
# The same without whatever is random, or added to the loss.
PLAIN = dataclasses.replace(
    SPACE, name="plain_two_nodes_rnn", macro=macros.LanguageNetwork("plain_text", **NO_DROPOUT)
)


def tokens(count=120, seed=0):
    """A text that is not all chance: every other word is the one before it plus 1."""
    words = np.random.default_rng(seed).integers(0, WORDS, count)
    words[1::2] = (words[::2] + 1) % WORDS
    return words.astype("int32")


def train(epoch=0):
    """Windows of different lengths."""
    return datasets.text_batches(tokens(), BATCH, STEPS, seed=1, epoch=epoch)


def validation(epoch=0):
    """Windows of one length; the last ones are shorter, or filled up."""
    del epoch
    return datasets.text_windows(tokens(60, seed=1), BATCH, STEPS)


def method(name, space=SPACE, **changes):
    """A method with the settings of texts, whose learning rate is one for so few words."""
    changes = {"weight_learning_rate": (0.5, 0.5), **changes}
    return dataclasses.replace(methods.get(name, space), **changes)


def supernet(method, space=SPACE, **options):
    """The supernet of a method, with fixed weights."""
    keras.utils.set_random_seed(0)
    found = method.make_supernet(space, (None,), WORDS, channels=UNITS, **options)
    # Weights that make a difference.
    for variable in found.trainable_variables:
        variable.assign(10 * variable)
    return found
