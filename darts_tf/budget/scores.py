"""Scores of networks that are not trained: cheap evidence on many candidates.

Each is a number that is larger for networks which are likely to learn better, and costs about one
forward and one backward pass. None looks at a label.
"""

import contextlib
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from darts_tf.costs import counted
from darts_tf.supernets import zero_cost


def log_parameters(network: keras.Model, images: np.ndarray) -> float:
    """The logarithm of the number of weights."""
    return float(np.log(counted.parameters(network)))


def log_flops(network: keras.Model, images: np.ndarray) -> float:
    """The logarithm of the multiply-adds for an image."""
    return float(np.log(counted.multiply_adds(network)))


def synaptic_flow(network: keras.Model, images: np.ndarray) -> float:
    """The logarithm of the synaptic flow.

        log sum_w |w dR/dw|,  R = the sum of the logits of an input of ones,

    all weights by their magnitude, batch normalisation by the moving statistics of an untrained
    network, which change nothing. Tanaka, Kunin, Yamins, Ganguli, Pruning neural networks without
    any data by iteratively conserving synaptic flow, NeurIPS 2020; as a score of networks:
    Abdelfattah, Mehrotra, Dudziak, Lane, Zero-Cost Proxies for Lightweight NAS, ICLR 2021.

    Args:
        network: not trained; its weights are as before afterwards.
        images: only their shape counts, `[N, height, width, channels]`.

    Returns:
        Minus infinity where no signal comes through; infinity beyond float32.
    """
    weights = [variable.value for variable in network.trainable_variables]
    before = [weight.numpy() for weight in weights]
    try:
        for weight, value in zip(weights, before, strict=True):
            weight.assign(np.abs(value))
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(network(tf.ones((1, *images.shape[1:])), training=False))
        found = tape.gradient(total, weights, unconnected_gradients="zero")
    finally:
        flows = [np.abs(value) for value in before]
        for weight, value in zip(weights, before, strict=True):
            weight.assign(value)
    pairs = zip(flows, found, strict=True)
    flow = sum(float(np.sum(w.astype(np.float64) * np.abs(g))) for w, g in pairs)
    with np.errstate(divide="ignore"):
        return float(np.log(flow))


def activation_patterns(network: keras.Model, images: np.ndarray) -> float:
    """How differently images activate the ReLUs: the NASWOT score.

        log |det K|,  K_ij = ReLUs - Hamming distance of the binary codes of images i and j.

    Mellor, Turner, Storkey, Crowley, Neural Architecture Search without Training, ICML 2021,
    equation 2. Batch normalisation uses the statistics of the batch.

    Args:
        network: not trained; nothing of it changes.
        images: float32 `[N, height, width, channels]`, normalised.

    Returns:
        Minus infinity where two images activate the same ReLUs, or there is none.
    """
    with _relus(network) as outputs, keras.StatelessScope():
        network(tf.constant(images), training=True)
        active = [np.reshape(x.numpy() > 0, (len(images), -1)) for x in outputs]
    if not active:
        return -np.inf
    return log_determinant(np.concatenate(active, axis=1))


def log_determinant(codes: np.ndarray) -> float:
    """log |det K| of binary codes `[images, ReLUs]`; see `activation_patterns`."""
    codes = np.asarray(codes, np.float64)
    kernel = codes @ codes.T + (1 - codes) @ (1 - codes).T
    sign, value = np.linalg.slogdet(kernel)
    return float(value) if sign else -np.inf


def kernel_condition(network: keras.Model, images: np.ndarray) -> float:
    """Minus the logarithm of the condition number of the tangent kernel of the first 16 images.

    See `darts_tf.supernets.zero_cost`, where TE-NAS has it of a supernet.
    """
    weights = [v.value for v in network.trainable_variables]
    with tf.GradientTape(persistent=True) as tape, keras.StatelessScope():
        outputs = network(tf.constant(images[:16]), training=True)
        each = [tf.reduce_sum(outputs[i]) for i in range(len(outputs))]
    rows = [
        np.concatenate(
            [np.ravel(x) for x in tape.gradient(one, weights, unconnected_gradients="zero")]
        )
        for one in each
    ]
    return -float(np.log(zero_cost.condition_number(np.stack(rows))))


@contextlib.contextmanager
def _relus(network: keras.Model) -> Iterator[list]:
    """A scope in which the outputs of all ReLUs are collected."""
    outputs, layers = [], []

    def watch(layer):
        original = layer.call

        def call(inputs):
            outputs.append(original(inputs))
            return outputs[-1]

        layer.call = call
        layers.append(layer)

    for layer in network._flatten_layers():
        if isinstance(layer, keras.layers.ReLU):
            watch(layer)
    try:
        yield outputs
    finally:
        for layer in layers:
            del layer.call


#: Name -> (network, images) -> score, larger is better.
SCORES: dict[str, Callable[[keras.Model, np.ndarray], float]] = {
    "parameters": log_parameters,
    "flops": log_flops,
    "synaptic_flow": synaptic_flow,
    "activation_patterns": activation_patterns,
    "kernel_condition": kernel_condition,
}
