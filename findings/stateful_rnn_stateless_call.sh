#!/usr/bin/env bash
# Keras 3.15.1: the state that a recurrent layer with stateful=True carries is in none of the model's
# variable lists. stateless_call neither takes nor returns it: calls that hand on all that they were
# given start from the same state each time, without a word; get_weights, and so set_weights on a
# copy, leave it out, although the model's own call carries it on.
#
# Seen (TensorFlow 2.21.0 as backend, numpy 2.4.6), for SimpleRNN, GRU and LSTM: two stateless calls in a
# row give the same output (difference 0.0), two ordinary calls differ.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1 numpy==2.4.6
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

print("keras", keras.__version__)
keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")
for layer in (keras.layers.SimpleRNN, keras.layers.GRU, keras.layers.LSTM):
    model = keras.Sequential([keras.Input((3, 5), batch_size=2), layer(4, stateful=True)])
    weights, others = model.trainable_variables, model.non_trainable_variables
    first, others = model.stateless_call(weights, others, x)
    second, others = model.stateless_call(weights, others, x)
    stateless = float(np.abs(np.subtract(first, second)).max())
    carried = float(np.abs(np.subtract(model(x), model(x))).max())
    states = [v for v in model.variables if v.shape == (2, 4)]
    print(f"{layer.__name__}: two stateless calls differ by {stateless}, two calls by {carried:.3f};")
    print("  variables of the state's shape in model.variables:", len(states))
    assert stateless == 0.0, "changed: stateless calls carry the state"
    assert carried > 1e-3, "changed: calls don't carry it"
    assert not states, "changed: the state is among the variables"
print("as described")
PYTHON
