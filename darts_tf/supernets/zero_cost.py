"""Signs of untrained networks: how well they will learn, and how much they can say.

TE-NAS (Chen, Gong, Wang, Neural Architecture Search on ImageNet in Four GPU Hours: A Theoretically
Inspired Perspective, ICLR 2021) looks at two numbers of a network with random weights:

- the condition number of its neural tangent kernel (section 3.1.1): K = J J^T, where row n of J is
  the gradient of the sum of the logits of image n in the weights; kappa = largest / smallest
  eigenvalue of K. The smaller, the faster gradient descent learns;
- the number of its linear regions (section 3.1.2), estimated by how many different patterns of
  active ReLUs there are among many inputs. The larger, the more the network can express.
"""

import keras
import numpy as np
import tensorflow as tf

from darts_tf import macros, spaces
from darts_tf.cells.mixed_op import MixedOp
from darts_tf.layers.keras_settings import inner_layers
from darts_tf.macros.nas_bench_201 import NormalizedClassifier
from darts_tf.runtime.grappler import without_grappler
from darts_tf.supernets.supernet import Supernet

# What the authors' code takes for a kernel that has no condition number.
_NO_CONDITION = 1e5
# The smallest eigenvalue that is told from 0, as a share of the largest.
_SMALLEST = 1e-12


def condition_number(jacobian: np.ndarray) -> float:
    """The condition number of the tangent kernel `jacobian @ jacobian.T`.

    Args:
        jacobian: the gradient of every image's output, `[images, weights]`.

    Returns:
        At most 1e12; 1e5 where the gradients are all zero or not finite.
    """
    jacobian = np.asarray(jacobian, np.float64)
    if not np.isfinite(jacobian).all() or not jacobian.any():
        return _NO_CONDITION
    values = np.linalg.eigvalsh(jacobian @ jacobian.T)
    return float(values[-1] / max(values[0], _SMALLEST * values[-1]))


def count_regions(patterns: np.ndarray) -> int:
    """How many of the rows, boolean `[inputs, ReLUs]`, are different."""
    return len(np.unique(np.packbits(patterns, axis=1), axis=0))


def crops(images: np.ndarray, count: int, rng: np.random.Generator, size: int = 3) -> np.ndarray:
    """Random small pieces of one channel of images.

    Args:
        images: `[images, *positions, channels]`.
        count: how many pieces.
        rng: draws image, position and channel of each.
        size: of a piece, in every direction; less where an image is smaller.

    Returns:
        `[count, size, ..., size, 1]`.
    """
    lengths = [min(size, n) for n in images.shape[1:-1]]
    found = np.empty((count, *lengths, 1), images.dtype)
    for piece in found:
        starts = [rng.integers(n - k + 1) for n, k in zip(images.shape[1:-1], lengths, strict=True)]
        place = tuple(slice(s, s + k) for s, k in zip(starts, lengths, strict=True))
        piece[..., 0] = images[(rng.integers(len(images)), *place, rng.integers(images.shape[-1]))]
    return found


class UntrainedSupernet:
    """The two numbers of a small supernet, as functions of operation weights.

    Two supernets of the same cells, as in the authors' code: one for the kernel, on images of full
    size, with weights of variance 2 / fan out; and a thin one for the regions, on pieces of 3x3
    pixels, with weights of variance 2 / fan in (He et al., ICCV 2015). Batch normalisation uses the
    statistics of the batch. Both end with batch normalisation, ReLU, mean and dense layer: without
    that ReLU the outputs of a batch would have a constant sum, and the kernel no inverse. Ours have
    3 and 2 channels, the smallest number of cells that the space's macro network can have, and its
    stem; the authors' differ in that from space to space.

    Args:
        space: the name of a search space.
        num_classes: number of logits.
        images: float32 `[images, height, width, channels]`, normalised.
        kernel_images: how many of them the kernel is of.
        inputs: how many batches of how many pieces of images the regions are counted among.
        edge_operations: see `Supernet`.
        seed: of the choice of the pieces.
    """

    def __init__(
        self,
        space: str,
        num_classes: int,
        images: np.ndarray,
        *,
        kernel_images: int = 16,
        inputs: tuple[int, int] = (3, 1000),
        edge_operations=None,
        seed: int = 0,
    ):
        batches, size = inputs
        pieces = crops(images, batches * size, np.random.default_rng(seed))
        self._pieces = [tf.constant(batch) for batch in np.split(pieces, batches)]
        self._images = tf.constant(images[:kernel_images])

        def make(shape, channels):
            return _RectifiedSupernet(
                space,
                shape,
                num_classes,
                channels=channels,
                cells=_fewest_cells(space),
                batched=False,
                edge_operations=edge_operations,
                name="untrained_supernet",
            )

        # The least eigenvalue of a kernel is lost in 16 bits: in bfloat16 the condition numbers of
        # two networks of NAS-Bench-201 were 13 and 20 % off.
        with inner_layers("float32"):
            self._network = make(images.shape[1:], 3)
            self._thin = make(pieces.shape[1:], 2)
        self._recorder = _ReluRecorder(self._thin)
        self._jacobian = tf.function(self._differentiate, autograph=False)
        self._active = tf.function(self._activate, autograph=False)

    def draw(self, seed: int) -> None:
        """Draws new weights."""
        he_normal(self._network, "fan_out", seed)
        he_normal(self._thin, "fan_in", seed)

    @without_grappler()
    def condition(self, mixture) -> float:
        """kappa with operation weights, cell type -> `[edges, operations]`."""
        return condition_number(self._jacobian(_tensors(mixture), self._images).numpy())

    @without_grappler()
    def regions(self, mixture) -> int:
        """The number of linear regions that the pieces of images lie in.

        ReLUs inside operations of weight 0 are no part of the network.
        """
        mixture = _tensors(mixture)
        patterns = [self._active(mixture, batch).numpy() for batch in self._pieces]
        return count_regions(np.concatenate(patterns))

    def _differentiate(self, mixture, images):
        # The code of the authors leaves biases out.
        weights = [v.value for v in self._network.weight_variables if v.name != "bias"]
        with tf.GradientTape(persistent=True) as tape, keras.StatelessScope():
            outputs = tf.reduce_sum(self._network(images, training=True, weights=mixture), axis=1)
        found = tape.jacobian(
            outputs,
            weights,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
            experimental_use_pfor=False,
        )
        return tf.concat([tf.reshape(x, [images.shape[0], -1]) for x in found], axis=1)

    def _activate(self, mixture, images):
        with keras.StatelessScope():
            outputs = self._recorder.run(images, mixture)
        patterns = []
        for owner, output in outputs:
            active = tf.reshape(output > 0, [images.shape[0], -1])
            if owner is not None:
                cell_type, edge, operation = owner
                active &= mixture[cell_type][edge, operation] > 0
            patterns.append(active)
        return tf.concat(patterns, axis=1)


class _RectifiedSupernet(Supernet):
    """A supernet with a ReLU before its head, whatever the macro network."""

    def _make_layers(self, macro):
        super()._make_layers(macro)
        self.head = NormalizedClassifier(self.get_config()["num_classes"])


class _ReluRecorder:
    """Runs a supernet of plain cells and hands out what its ReLUs gave.

    Args:
        supernet: its ReLUs are changed for good, so it must be of no further use.
    """

    def __init__(self, supernet: Supernet):
        self._supernet = supernet
        self._seen = []
        owners = {}
        for cell in supernet.cells:
            for e, edge in enumerate(cell.edges):
                for layer, place in self._candidates(cell, e, edge):
                    owners.update((id(inner), place) for inner in layer._flatten_layers())
        for layer in supernet._flatten_layers():
            if isinstance(layer, keras.layers.ReLU):
                self._watch(layer, owners.get(id(layer)))

    def run(self, images, mixture) -> list[tuple]:
        """Pairs of the place of an operation, None for a ReLU outside, and a ReLU's output.

        A place is (cell type, number of the edge, number of the operation in the space).
        """
        self._seen.clear()
        self._supernet(images, training=True, weights=mixture)
        return list(self._seen)

    def _candidates(self, cell, number, edge: MixedOp):
        names = self._supernet.space.operations
        for name, layer in zip(edge.operations, edge.candidates, strict=True):
            yield layer, (cell.cell_type, number, names.index(name))

    def _watch(self, layer, owner):
        original = layer.call

        def call(inputs):
            outputs = original(inputs)
            self._seen.append((owner, outputs))
            return outputs

        layer.call = call


def he_normal(model: keras.Model, mode: str, seed: int) -> None:
    """Draws the kernels of a model's layers anew, from N(0, 2 / fan).

    As PyTorch counts: the fan in of a depthwise kernel is its number of taps, its fan out that
    times the number of channels. Biases and batch normalisation stay.

    Args:
        model: any model.
        mode: "fan_in" or "fan_out".
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        kernel = getattr(layer, "kernel", None)
        if kernel is None:
            continue
        *taps, before, after = kernel.shape
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            before, after = 1, before
        fan = np.prod(taps) * (before if mode == "fan_in" else after)
        kernel.assign(rng.normal(0, np.sqrt(2 / fan), kernel.shape).astype(np.float32))


def _fewest_cells(space: str) -> int:
    # The cells at one and two thirds of a network of DARTS are of the other type.
    return getattr(macros.get(spaces.get(space).macro), "stages", 3)


def _tensors(mixture) -> dict[str, tf.Tensor]:
    return {name: tf.constant(value, tf.float32) for name, value in mixture.items()}
