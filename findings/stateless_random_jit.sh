#!/usr/bin/env bash
# TensorFlow 2.21.0 on a CPU: tf.random.stateless_* give other numbers where a function is compiled by
# XLA, for the same seed and the same generator (Philox). Floats differ for every seed, though the
# random bits below them are equal: kernels make a float of the lowest bits, XLA of the highest. Where a
# number of the seed is negative or has more than 32 bits, the bits and integers differ as well. So a
# seed is not one experiment: jit_compile=True is another draw of dropout, noise and samples.
#
# Seen: seed (3, 7): bits and integers below 10 equal; uniform 0.8822 and 0.0282 as a graph, 0.0232 and
# 0.6036 compiled, normal 0.0884 and -1.6620. Seed (-3, 7): integers 7, 7 and 2, 1. The graph and
# eager execution agree in all of them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 keras==3.15.1 \
  numpy==2.4.6
cd "$folder"
cat > draws.py <<'PYTHON'
import numpy as np
import tensorflow as tf

print("tensorflow", tf.__version__)


def bits(seed):
    return tf.random.stateless_uniform([8], seed, None, None, tf.uint32)


def integers(seed):
    return tf.random.stateless_uniform([8], seed, 0, 10, tf.int32)


def uniform(seed):
    return tf.random.stateless_uniform([8], seed)


def normal(seed):
    return tf.random.stateless_normal([8], seed)


same = {}
for seed in ([3, 7], [2**31 - 1, 5], [-3, 7], [2**40 + 1, 5]):
    given = tf.constant(seed, tf.int64)
    for draw in (bits, integers, uniform, normal):
        eager = draw(given).numpy()
        graph = tf.function(draw)(given).numpy()
        compiled = tf.function(draw, jit_compile=True)(given).numpy()
        assert np.array_equal(eager, graph)
        same[tuple(seed), draw.__name__] = np.array_equal(graph, compiled)
        print(seed, draw.__name__, graph[:2], compiled[:2])

for (seed, name), equal in same.items():
    expected = name in ("bits", "integers") and all(0 <= number < 2**32 for number in seed)
    assert equal == expected, (seed, name, equal)
print("as stated")
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 "$folder/venv/bin/python" -W ignore draws.py 2> errors.txt ||
  { tail -5 errors.txt >&2; exit 1; }
