#!/usr/bin/env bash
# TensorFlow 2.21.0 on a CPU: the order in which tf.add_n, the operation AddN, sums three and more tensors
# depends on which of them is needed by nobody else at that moment: it writes into the first such input
# and adds that one first. In a graph whose operations run at the same time this is a matter of who has
# finished by then, so that a sum is rounded in one of two ways from run to run, and
# tf.config.experimental.enable_op_determinism(), which promises the same outputs whenever a program is
# run, does not change it. The gradient of every tensor with three and more uses is such a sum: the same
# step of the same weights has other gradients every now and then, and a training of the same seed ends
# elsewhere. With one thread for operations (inter_op_parallelism_threads=1) it does not happen.
#
# Seen (two cores, with and without op determinism): 1e8 - 1e8 + 1 is 1, and 0 where the third one is a
# temporary, which is lost beside one of the others; where the third one has another consumer, one or the
# other: about 2,100 and 900 of 3,000 runs of one function, the shares of one machine.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 numpy==2.4.6
for deterministic in "" yes; do
DETERMINISTIC=$deterministic TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import collections
import os

import tensorflow as tf

if os.environ["DETERMINISTIC"]:
    tf.keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()
print("tensorflow", tf.__version__, "with" if os.environ["DETERMINISTIC"] else "without", "op determinism")
a, b, root = tf.fill([64], 1e8), tf.fill([64], -1e8), tf.fill([64], 0.25)


@tf.function
def of_arguments(a, b, c):
    return tf.add_n([a, b, c])


@tf.function
def of_temporary(a, b, root):
    return tf.add_n([a, b, 16 * tf.square(root)])


@tf.function
def of_shared(a, b, root):
    c = 16 * tf.square(root)
    matrix = tf.reshape(c, [8, 8])
    return tf.add_n([a, b, c]), matrix @ matrix


held = float(of_arguments(a, b, 16 * tf.square(root))[0])
temporary = float(of_temporary(a, b, root)[0])
shared = collections.Counter(float(of_shared(a, b, root)[0][0]) for _ in range(3000))
print(f"  1e8 - 1e8 + 1 is {held}; of a temporary {temporary}; of one that is shared {dict(shared)}")
assert held == 1, "changed: the order of arguments"
assert temporary == 0, "changed: a temporary comes in its turn"


@tf.function
def slope(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.sin(x) + tf.exp(x) + tf.square(x)
    return tape.gradient(y, x)


kinds = {operation.type for operation in slope.get_concrete_function(root).graph.get_operations()}
assert "AddN" in kinds, "changed: gradients are summed by another operation"
PYTHON
done
echo "as described"
