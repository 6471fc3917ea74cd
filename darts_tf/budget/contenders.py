"""Networks that nobody has searched, as large as a found one: what a search has to beat."""

from collections.abc import Callable, Mapping

import keras
import numpy as np

from darts_tf import genotypes, macros
from darts_tf.budget.constraints import Constraints
from darts_tf.common.errors import UserError
from darts_tf.costs import counted, latency
from darts_tf.levels.residual_network import residual_network
from darts_tf.networks.network import build_network

#: The published cell that others are compared with.
PUBLISHED = "DARTS_V2"
_MOST_CHANNELS = 1024
# Networks that are counted before others' costs are known.
_SAMPLES = (2, 4, 6)
_STAGES = 3


def residual(input_shape, num_classes: int, channels: int) -> keras.Model:
    """A residual network of three stages with a block each (He et al., CVPR 2016, section 4.2).

    Args:
        input_shape: `(height, width, channels)`.
        num_classes: number of logits.
        channels: of the first stage; the next ones have twice and four times as many.
    """
    features = residual_network(input_shape, channels)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(features.output)
    return keras.Model(features.input, logits, name="residual")


def separable(input_shape, num_classes: int, channels: int) -> keras.Model:
    """A plain chain of separable convolutions, as in MobileNet (Howard et al., 2017, table 1).

    A 3x3 convolution, then two blocks in each of three stages: depthwise 3x3, 1x1, each with batch
    normalisation and ReLU. The first block of the second and third stage halves the image and
    doubles the channels. The mean over all pixels and a dense layer follow.

    Args:
        input_shape: `(height, width, channels)`.
        num_classes: number of logits.
        channels: of the first stage.
    """
    images = keras.Input(input_shape, name="images")
    outputs = _normalized(images, keras.layers.Conv2D(channels, 3, padding="same", use_bias=False))
    for stage in range(_STAGES):
        for block in range(2):
            strides = 2 if stage and not block else 1
            depthwise = keras.layers.DepthwiseConv2D(
                3, strides=strides, padding="same", use_bias=False
            )
            outputs = _normalized(outputs, depthwise)
            pointwise = keras.layers.Conv2D(channels * 2**stage, 1, use_bias=False)
            outputs = _normalized(outputs, pointwise)
    outputs = keras.layers.GlobalAveragePooling2D()(outputs)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(outputs)
    return keras.Model(images, logits, name="separable")


def _normalized(inputs, layer):
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(layer(inputs)))


def published(input_shape, num_classes: int, channels: int, stem: str = "cifar") -> keras.Model:
    """The network of the cells of `PUBLISHED` with as many of them as a supernet has.

    Args:
        input_shape, num_classes, channels, stem: see `build_network`.
    """
    genotype = genotypes.get(PUBLISHED)
    cells = macros.get(genotype.search_space.macro).search_size[1]
    return build_network(genotype, input_shape, num_classes, channels, cells, stem=stem)


#: Name in a comparison -> `(input_shape, num_classes, channels)` -> network.
CONTENDERS: dict[str, Callable[..., keras.Model]] = {
    f"published cell {PUBLISHED}": published,
    "residual network": residual,
    "separable convolutions": separable,
}


def costs(network: keras.Model, measures_latency: bool = False) -> dict[str, float]:
    """What a network costs, by the names of `Constraints`."""
    found = {
        "parameters": counted.parameters(network),
        "multiply_adds": counted.multiply_adds(network),
    }
    if measures_latency:
        found["latency_ms"] = round(latency.milliseconds(network), 4)
    return found


def widest(
    make: Callable[[int], keras.Model], multiply_adds: float, limits: Constraints
) -> tuple[int, dict[str, float]]:
    """The most channels with which a network costs no more than another one and meets limits.

    Args:
        make: channels -> network.
        multiply_adds: of the other one.
        limits: what the network must meet besides.

    Returns:
        The channels and the costs of that network.

    Raises:
        UserError: not even one with two channels does.
    """
    known: dict[int, dict] = {}

    def fits(channels: int) -> bool:
        if channels not in known:
            known[channels] = costs(make(channels), limits.latency_ms is not None)
        return _fits(known[channels], multiply_adds, limits)

    if not fits(2):
        least = known[2]
        measured = f" and takes {least['latency_ms']:g} ms" if "latency_ms" in least else ""
        raise UserError(
            f"with two channels it has {least['parameters']:,} weights and "
            f"{least['multiply_adds']:,} multiply-adds an image{measured}, which is too much"
        )
    # Weights and multiply-adds are quadratic in the channels, so three networks tell all.
    by_channels = _quadratic({c: known.get(c) or costs(make(c)) for c in _SAMPLES})
    most = _largest(_MOST_CHANNELS, lambda c: _fits(by_channels(c), multiply_adds, limits))
    if not fits(most):
        # The latency is only known of what is built.
        most = _largest(most, fits)
    return most, known[most]


def _largest(above: int, fits: Callable[[int], bool]) -> int:
    """The largest number of channels below another one that fits, of which two do."""
    low, high = 2, above
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _fits(found: Mapping, multiply_adds: float, limits: Constraints) -> bool:
    return found["multiply_adds"] <= multiply_adds and limits.broken(found) is None


def _quadratic(found: Mapping[int, Mapping]) -> Callable[[int], dict[str, int]]:
    """The weights and multiply-adds by the channels, through those of three networks."""
    names = ("parameters", "multiply_adds")
    factors = {n: np.polyfit(list(found), [one[n] for one in found.values()], 2) for n in names}
    return lambda channels: {
        name: round(float(np.polyval(factors[name], channels))) for name in names
    }
