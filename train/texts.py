"""The texts of a language model."""

import dataclasses
import functools
from typing import NamedTuple

import train.startup  # noqa: F401  TensorFlow is first imported here

import numpy as np

from darts_tf import datasets, macros, spaces
from darts_tf.common.errors import UserError
from darts_tf.costs import counted
from darts_tf.datasets import text_data, text_loading, vocabulary
from darts_tf.networks.language_model import build_language_model
from darts_tf.tasks import LanguageModeling
from train import fields
from train.config import Config
from train.task_data import TaskData

#: The text that needs no file.
EMBEDDED = text_loading.EMBEDDED
# What is dropped of a network of texts, all of it the same at all steps of a sequence.
_DROPOUTS = ("embedding_dropout", "input_dropout", "cell_dropout", "state_dropout")
DROPOUTS = (*_DROPOUTS, "output_dropout")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextConfig(Config):
    """How a text is read, and what the network around its cell is."""

    unit: str | None = fields.choice(
        None,
        vocabulary.UNITS,
        "What a text is read in; by default words for a folder with train.txt, valid.txt and "
        "test.txt, else characters.",
    )
    bptt: int = fields.integer(
        35, "Steps of a text's window, around which their lengths are drawn.", lower_bound=1
    )
    embedding_dropout: float = fields.number(0.0, "Share of the words whose vectors are dropped.")
    input_dropout: float = fields.number(0.0, "Share of the words' vectors that is dropped.")
    cell_dropout: float = fields.number(
        0.0, "Share of a recurrent cell's inputs that is dropped; DARTS' 850 units have 0.75."
    )
    state_dropout: float = fields.number(
        0.0, "Share of the states in a recurrent cell that is dropped."
    )
    output_dropout: float = fields.number(
        0.0, "Share of a recurrent cell's outputs that is dropped; DARTS' 850 units have 0.75."
    )
    slowness: float = fields.number(
        0.0, "Factor of the mean square by which outputs change in a step, in the loss."
    )


class Part(NamedTuple):
    """Some of a text.

    Attributes:
        tokens: numbers of words or characters, int32 `[N]`.
        name: what it is called where it is too short.
    """

    tokens: np.ndarray
    name: str


class Texts(TaskData):
    """A text in memory, whose batches are windows of columns: `(tokens, next tokens)`.

    Args:
        config: as `load` returns it.
        data: the text.
    """

    flags = ("data_dir", "train_examples", "unit", "bptt", *DROPOUTS, "slowness")
    reading = ("data_dir", "train_examples", "unit")
    kinds = spaces.OVER_TIME
    input_shape = (None,)

    def __init__(self, config, data: datasets.TextData):
        self._config = config
        self.text = data
        self.name, self.examples = data.name, data.unit
        self.num_classes = data.vocabulary_size
        self.training = Part(data.train, "training text")
        self.test = Part(data.test, "test text")

    @classmethod
    def load(cls, config):
        _check(config)
        data = datasets.load_text(config.dataset, data_dir=config.data_dir, unit=config.unit)
        if config.train_examples is not None:
            data = _shortened(data, config.train_examples)
        print(
            f"data: {data.name}, {len(data.train):,} training, {len(data.validation):,} validation "
            f"and {len(data.test):,} test {data.unit}, {data.vocabulary_size:,} different ones",
            flush=True,
        )
        return dataclasses.replace(config, unit=data.unit), cls(config, data)

    def task(self, name):
        return LanguageModeling(self.text.measure)

    def macro(self, space):
        space = spaces.get(space)
        spaces.check_kind(space, spaces.OVER_TIME, "a language model")
        own = macros.get(space.macro)
        names = (*DROPOUTS, "slowness")
        return type(own)(own.name, **{name: getattr(self._config, name) for name in names})

    def network_costs(self, genotype, channels, cells):
        network = build_language_model(genotype, self.num_classes, channels)
        costs = {"parameters": counted.parameters(network)}
        return costs, f"{channels} units: {costs['parameters']:,} parameters"

    def split(self, part, share, seed):
        # In order: what comes after a word in the text belongs to it.
        first = round(share * len(part.tokens))
        return (
            Part(part.tokens[:first], f"first {share:.0%} of the {part.name}"),
            Part(part.tokens[first:], f"last {1 - share:.0%} of the {part.name}"),
        )

    def size(self, part):
        return len(part.tokens)

    def stream(self, part, batch_size, seed):
        def batches(epoch):
            bptt = self._config.bptt
            return _named(part, datasets.text_batches, batch_size, bptt, seed=seed, epoch=epoch)

        return batches

    def in_order(self, part, batch_size=None):
        return _named(part, datasets.text_windows, batch_size or 1, self._config.bptt)

    def description(self, trains):
        return self.text.description()

    def difference(self, before, now):
        return text_data.difference(before, now)

    def read_description(self, path):
        return text_data.load_description(path)

    def digest(self, description):
        return text_data.digest(description)

    def training_line(self):
        return None


def _check(config: TextConfig) -> None:
    """Refuses settings out of their range."""
    for name in DROPOUTS:
        if not 0 <= getattr(config, name) < 1:
            raise UserError(
                f"--{name}={getattr(config, name)}: expected a number from 0 to below 1"
            )
    if not 0 <= config.slowness < float("inf"):
        raise UserError(f"--slowness={config.slowness}: expected 0 or a number above it")


def _shortened(data: datasets.TextData, count: int) -> datasets.TextData:
    """The text with the beginning of its training text alone; what the others have stays known."""
    if not 2 <= count <= len(data.train):
        raise UserError(
            f"--train_examples={count}: the training text of {data.name} has "
            f"{len(data.train):,} {data.unit}, expected a number from 2 to that"
        )
    return dataclasses.replace(data, train=data.train[:count])


def _named(part: Part, make, *args, **options):
    """Windows of a part; names it where it is too short for the batch."""
    try:
        return functools.partial(make, part.tokens)(*args, **options)
    except UserError as error:
        raise UserError(f"the {part.name}, --batch_size={args[0]}: {error}") from error
