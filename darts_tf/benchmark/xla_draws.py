"""Random numbers that are the same under XLA as in a graph on a CPU.

XLA's differ from those of TensorFlow's kernels in two ways (TensorFlow 2.21), so that a compiled
step draws other operations and drops other paths: it fills up a negative number of a seed with
zeros in place of ones, and it makes a float of the highest bits of a random integer, not of the
lowest. Beneath both is the same generator, Philox with a key and a counter (Salmon et al., SC
2011), and here the key comes of the seed, and the float of the integer, as in TensorFlow's kernels:
tensorflow/core/kernels/stateless_random_ops.cc, core/lib/random/random_distributions.h.
"""

import contextlib
import functools
import math

import tensorflow as tf

from darts_tf.common.errors import UserError

# Type -> an unsigned integer of as many bits, how many of them are the mantissa, and 1.0's bits.
_TYPES = {
    tf.float64: (tf.uint64, 52, 0x3FF0000000000000),
    tf.float32: (tf.uint32, 23, 0x3F800000),
    tf.bfloat16: (tf.uint16, 7, 0x3F80),
    tf.float16: (tf.uint16, 10, 0x3C00),
}
_PHILOX = 1
# Numbers of a counter of Philox.
_GROUP = 4
# What TensorFlow scrambles seeds with.
_SCRAMBLE = 0x02461E293EC8F720


@contextlib.contextmanager
def same_under_xla():
    """A scope in which what TensorFlow or Keras draws from a seed is the same under XLA.

    Uniform and normal numbers, dropout, and seeds of seeds; other draws are refused. Meant for
    tracing, in one thread.

    Raises:
        UserError: from a function of TensorFlow that draws otherwise.
    """
    before = [(module, name, getattr(module, name)) for module, name in _MINE]
    try:
        for (module, name), function in _MINE.items():
            setattr(module, name, function)
        yield
    finally:
        for module, name, function in before:
            setattr(module, name, function)


def _key_and_counter(seed) -> dict[str, tf.Tensor]:
    """Of Philox: `key` `[1]` and `counter` `[2]`, uint64."""
    # Of 64 bits, and negative ones negative.
    seed = tf.bitcast(tf.cast(seed, tf.int64), tf.uint64)
    scramble = {"key": tf.constant([_SCRAMBLE], tf.uint64), "counter": seed}
    mixed = tf.cast(_bits([4], scramble, tf.uint32), tf.uint64)
    low, high = mixed[0::2], mixed[1::2]
    words = low | tf.bitwise.left_shift(high, tf.constant(32, tf.uint64))
    return {"key": words[:1], "counter": tf.stack([tf.zeros([], tf.uint64), words[1]])}


def _bits(shape, place, dtype) -> tf.Tensor:
    shape = tf.convert_to_tensor(shape, tf.int32)
    return tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=shape, alg=_PHILOX, dtype=dtype, **place
    )


def _uniform(
    shape, seed, minval=0, maxval=None, dtype=tf.float32, name=None, alg="auto_select"
) -> tf.Tensor:
    """`tf.random.stateless_uniform`."""
    del name, alg
    dtype, place = tf.as_dtype(dtype), _key_and_counter(seed)
    if dtype.is_integer and minval is None:
        return _bits(shape, place, dtype)
    if dtype.is_integer:
        low, high = (tf.convert_to_tensor(x, dtype) for x in (minval, maxval))
        shape = tf.convert_to_tensor(shape, tf.int32)
        return tf.raw_ops.StatelessRandomUniformIntV2(
            shape=shape, alg=_PHILOX, minval=low, maxval=high, **place
        )
    low = _in_type(0 if minval is None else minval, dtype)
    high = _in_type(1 if maxval is None else maxval, dtype)
    return _unit(shape, place, dtype) * (high - low) + low


def _unit(shape, place, dtype) -> tf.Tensor:
    """Uniform draws from [0, 1)."""
    integer, mantissa, one = _TYPES[dtype]
    if dtype == tf.float64:
        bits = _pairs_of_bits(shape, place)
    else:
        bits = tf.cast(_bits(shape, place, tf.uint32), integer)
    bits &= tf.constant(2**mantissa - 1, integer)
    return tf.bitcast(bits | tf.constant(one, integer), dtype) - tf.ones([], dtype)


def _pairs_of_bits(shape, place) -> tf.Tensor:
    """Integers of 64 bits, each of two that follow each other, the higher one first."""
    shape = tf.convert_to_tensor(shape, tf.int32)
    pairs = tf.cast(_bits([tf.reduce_prod(shape), 2], place, tf.uint32), tf.uint64)
    high = tf.bitwise.left_shift(pairs[:, 0], tf.constant(32, tf.uint64))
    return tf.reshape(high | pairs[:, 1], shape)


def _normal(
    shape, seed, mean=0.0, stddev=1.0, dtype=tf.float32, name=None, alg="auto_select"
) -> tf.Tensor:
    """`tf.random.stateless_normal`: Box and Muller's transform of pairs of uniform draws."""
    del name, alg
    shape = tf.convert_to_tensor(shape, tf.int32)
    count = tf.reduce_prod(shape)
    wide = [-(-count // _GROUP) * _GROUP]
    drawn_in = tf.float64 if tf.as_dtype(dtype) == tf.float64 else tf.float32
    pairs = tf.reshape(_unit(wide, _key_and_counter(seed), drawn_in), [-1, 2])
    radius = tf.sqrt(-2 * tf.math.log(tf.maximum(pairs[:, 0], 1e-7)))
    angle = 2 * math.pi * pairs[:, 1]
    both = tf.stack([tf.sin(angle) * radius, tf.cos(angle) * radius], 1)
    drawn = tf.cast(tf.reshape(tf.reshape(both, [-1])[:count], shape), dtype)
    return drawn * _in_type(stddev, dtype) + _in_type(mean, dtype)


def _dropout(x, rate, seed, rng_alg="auto_select", noise_shape=None, name=None) -> tf.Tensor:
    """`tf.nn.experimental.stateless_dropout`."""
    del name, rng_alg
    shape = tf.shape(x) if noise_shape is None else noise_shape
    drawn = _unit(shape, _key_and_counter(seed), x.dtype)
    scaled = x * _in_type(1 / (1 - rate), x.dtype)
    return tf.where(drawn >= _in_type(rate, x.dtype), scaled, tf.zeros([], x.dtype))


def _in_type(number, dtype) -> tf.Tensor:
    """A number of Python or a tensor; `tf.cast` would round the former to float32 first."""
    if tf.is_tensor(number):
        return tf.cast(number, dtype)
    return tf.convert_to_tensor(number, dtype)


def _fold_in(seed, data, alg="auto_select") -> tf.Tensor:
    """`tf.random.fold_in`."""
    del alg
    data = tf.convert_to_tensor(data)
    return tf.stack([_bits([], _key_and_counter(seed), data.dtype), data])


def _split(seed, num=2, alg="auto_select") -> tf.Tensor:
    """`tf.random.split`."""
    del alg
    seed = tf.convert_to_tensor(seed)
    return _bits([num, 2], _key_and_counter(seed), seed.dtype)


def _refuse(name, *args, **kwargs):
    del args, kwargs
    raise UserError(
        f"this step cannot be lowered: under XLA {name} draws other numbers than without it"
    )


#: Function of TensorFlow, by its module and name -> what takes its place.
_MINE = {
    (tf.random, "stateless_uniform"): _uniform,
    (tf.random, "stateless_normal"): _normal,
    (tf.nn.experimental, "stateless_dropout"): _dropout,
    (tf.random, "fold_in"): _fold_in,
    (tf.random.experimental, "stateless_fold_in"): _fold_in,
    (tf.random, "split"): _split,
    (tf.random.experimental, "stateless_split"): _split,
    **{
        (module, name): functools.partial(_refuse, name)
        for module, name in (
            (tf.random, "stateless_categorical"),
            (tf.random, "stateless_truncated_normal"),
            (tf.random, "stateless_binomial"),
            (tf.random, "stateless_poisson"),
            (tf.random.experimental, "stateless_shuffle"),
            (tf.random.experimental, "index_shuffle"),
        )
    },
}
