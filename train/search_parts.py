"""How many of the images teach the weights of a search, and how many the architecture."""

import dataclasses
from typing import TypeVar

from absl import flags

from darts_tf.common.errors import UserError
from train import fields
from train.config import Config

C = TypeVar("C", bound=Config)
NAMES = ("weight_examples", "architecture_examples")


class _CountOrShare(flags.ArgumentParser):
    """A whole number from 1, or a fraction between 0 and 1."""

    syntactic_help = "a number of images, or a share between 0 and 1"

    def parse(self, argument):
        value = float(argument)
        if value >= 1 and value == int(value):
            return int(value)
        if not 0 < value < 1:
            raise ValueError(f"expected {self.syntactic_help}")
        return value


@dataclasses.dataclass(frozen=True, kw_only=True)
class PartsConfig(Config):
    """The parts of the images that a search learns from."""

    weight_examples: int | float | None = fields.parsed_by(
        _CountOrShare(),
        None,
        "Use only so many training images for the weights, or that share of them, all classes in "
        "proportion; with --architecture_examples, in place of --train_portion. PC-DARTS on "
        "ImageNet: 0.1 and 0.025.",
    )
    architecture_examples: int | float | None = fields.parsed_by(
        _CountOrShare(),
        None,
        "The same for the architecture: others of the training images, or images of the "
        "validation part where the data have one.",
    )


def settle(config: C) -> tuple[C, tuple]:
    """The configuration, and how many images `darts_tf.datasets.load` keeps of both kinds.

    Args:
        config: of any program.

    Returns:
        With the share of the first kind as its `train_portion`, where they are given.

    Raises:
        UserError: only one is given, they are of two kinds, or a flag is given besides that they
            stand in place of.
    """
    others = [name for name in NAMES if name in config.names()]
    weights, alphas = (getattr(config, name) for name in others) if others else (None, None)
    if weights is None and alphas is None:
        return config, (config.train_examples, None)
    if weights is None or alphas is None or isinstance(weights, int) != isinstance(alphas, int):
        raise UserError(
            f"--weight_examples={weights} and --architecture_examples={alphas}: give both, as "
            "numbers of images or as shares"
        )
    why = "has no meaning with --weight_examples and --architecture_examples"
    config.refuse_given(("train_examples", "train_portion"), why)
    portion = weights / (weights + alphas)
    return dataclasses.replace(config, train_portion=portion), (weights, alphas)
