"""Imports TensorFlow as the programs want it: without its start-up lines, one thread an operation.

And Keras with its own settings, whatever a user's `~/.keras/keras.json` and environment say: a
program is the same for everybody, and --precision is how to choose the layers' type.

JAX, where it is installed for train.benchmark's --lower, would be imported by tf.lite, which makes
every start a second slower on a CPU, and takes a GPU's memory when it is first used.

The lines are written past every logging setting before TensorFlow reads one, and say things such
as "failed call to cuInit" on each machine without a GPU. A failing import still raises.

Cells are wide graphs of small operations. Where there are few cores it is faster to give each core
an operation of its own than to share every operation among all of them: on two cores a search step
takes 2.0 instead of 2.6 s, a training step of DARTS_V2 1.4 instead of 2.1 s. And sums are then
rounded alike, whatever the number of cores. The variables TF_NUM_INTRAOP_THREADS and
TF_NUM_INTEROP_THREADS of the environment, where set, are left alone.

Python's garbage collector looks less often for cycles: graphs are millions of small objects that
stay, and going through them again and again took a fifth of the time to build a supernet.

Python 3.11 lists the attributes of a protocol anew at every `isinstance` with one, of which a trace
has thousands; here it remembers them, as Python 3.12 does.
"""

import functools
import gc
import os
import sys
import time
import typing

import wrapt

from darts_tf.benchmark.measurement import available_cpus
from darts_tf.common import standard_error
from darts_tf.common.hidden_modules import hidden

#: `time.perf_counter` when the program had begun, before anything that takes long is imported.
STARTED = time.perf_counter()
#: With more cores a graph may not be wide enough to keep them busy; that was not measured.
_FEW_CORES = 4

#: What Keras imports, where it is installed, for parts of its own that no program here uses (its
#: wrappers for scikit-learn, galleries, `fit` on data frames): four tenths of its and TensorFlow's
#: import. Programs that want one of them import it themselves.
_UNUSED = ("matplotlib", "pandas", "sklearn")

#: So many new objects, not 700, before the collector looks for cycles among them.
_NEW_OBJECTS = 20_000


def _give_each_core_an_operation(cores: int) -> None:
    names = "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"
    if cores <= _FEW_CORES and not any(name in os.environ for name in names):
        os.environ.update(zip(names, ("1", str(cores)), strict=True))


def _remember_protocols() -> None:
    """What `typing` looks up in a class stays as it is."""
    if sys.version_info[:2] == (3, 11):
        typing._get_protocol_attrs = functools.cache(typing._get_protocol_attrs)


def _collect_less() -> None:
    """What is there now is never looked at again, and what comes less often."""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
    gc.enable()


_give_each_core_an_operation(available_cpus())
_remember_protocols()
# An import makes what stays.
gc.disable()
with standard_error.discarded(), hidden("jax", *_UNUSED):
    import tensorflow as tf

    tf.config.list_physical_devices()
_collect_less()


def _settle_keras(keras) -> None:
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")
    # Meant to try a script out: a training would end early and be taken for a whole one.
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)


# When it is imported: a server needs no Keras.
wrapt.register_post_import_hook(_settle_keras, "keras")
