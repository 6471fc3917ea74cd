"""The --distribute flag as a `tf.distribute` strategy."""

import os

import tensorflow as tf
from absl import flags, logging

from darts_tf.common import reading
from darts_tf.common.errors import UserError, reason

_DISTRIBUTE = flags.DEFINE_enum(
    "distribute",
    "auto",
    ["auto", "none", "mirrored", "workers", "tpu"],
    "auto: the workers of TF_CONFIG if that is set, else all GPUs of this machine; mirrored: all "
    "devices of this machine; workers: several processes or machines, which TF_CONFIG names; "
    "tpu: a TPU; none: one device.",
)
_CPU_DEVICES = flags.DEFINE_integer(
    "cpu_devices",
    1,
    "Split the CPU into so many devices, to try several replicas without GPUs; slower than one.",
    lower_bound=1,
)
_TPU = flags.DEFINE_string(
    "tpu", "", "The name or address of the TPU for --distribute=tpu; empty: this machine's."
)


def get(batch_size: int | None) -> tf.distribute.Strategy:
    """The strategy that the flags describe. Call it before TensorFlow uses a device.

    Args:
        batch_size: the global batch, which the replicas share equally; None if not known yet.

    Raises:
        UserError: the batch cannot be shared equally, `TF_CONFIG` is missing or wrong, or the TPU
            cannot be reached.
    """
    name = _DISTRIBUTE.value
    if _CPU_DEVICES.value > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * _CPU_DEVICES.value
        tf.config.set_logical_device_configuration(cpu, parts)
    if name == "auto":
        name = _automatic()
    strategy = _MAKERS[name]()
    replicas = strategy.num_replicas_in_sync
    if batch_size and batch_size % replicas:
        raise UserError(
            f"--batch_size={batch_size} cannot be shared equally by {replicas} replicas; "
            f"give a multiple of {replicas}, or --distribute=none"
        )
    if replicas > 1:
        share = f" of {batch_size // replicas} images" if batch_size else ""
        print(f"distribution: {replicas} replicas{share}", flush=True)
    return strategy


def _automatic() -> str:
    if "TF_CONFIG" in os.environ and len(_tasks(_cluster())) > 1:
        return "workers"
    several = _CPU_DEVICES.value > 1 or len(tf.config.list_physical_devices("GPU")) > 1
    return "mirrored" if several else "none"


def _mirrored() -> tf.distribute.Strategy:
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    # Its start-up lines say nothing that a user could act on.
    logging.set_verbosity(logging.ERROR)
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _workers() -> tf.distribute.Strategy:
    _cluster()
    logging.set_verbosity(logging.ERROR)
    return tf.distribute.MultiWorkerMirroredStrategy()


def _cluster() -> dict:
    """The cluster of `TF_CONFIG`, checked: TensorFlow would wait for ever for a wrong one."""
    text = os.environ.get("TF_CONFIG", "")
    example = (
        '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
        '"task": {"type": "worker", "index": 0}}'
    )
    try:
        config = reading.parse_json(text)
        tasks = config["cluster"]
        kind, index = config["task"]["type"], int(config["task"]["index"])
        if not 0 <= index < len(tasks[kind]) or set(tasks) - {"chief", "worker"}:
            raise ValueError
    except (KeyError, TypeError, ValueError) as error:
        received = f"got {text!r}" if text else "it is not set"
        raise UserError(
            f"--distribute=workers reads the environment variable TF_CONFIG; {received}, expected "
            f"something like {example}, with another index in each process"
        ) from error
    return tasks


def _tasks(cluster: dict) -> list:
    return [address for addresses in cluster.values() for address in addresses]


def _tpu() -> tf.distribute.Strategy:
    # Not run on a TPU by this project.
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=_TPU.value)
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise UserError(
            f"--distribute=tpu found no TPU (--tpu={_TPU.value!r}): {reason(error)}. Give its name "
            "or address, or another --distribute"
        ) from error


_MAKERS = {
    "none": tf.distribute.get_strategy,
    "mirrored": _mirrored,
    "workers": _workers,
    "tpu": _tpu,
}
