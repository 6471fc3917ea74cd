"""--distribute as a `tf.distribute` strategy."""

import dataclasses
import os

import tensorflow as tf
from absl import logging

from darts_tf.common import reading
from darts_tf.common.errors import UserError, reason
from train import fields
from train.config import Config


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeviceConfig(Config):
    """The devices that share the work."""

    distribute: str = fields.choice(
        "auto",
        ["auto", "none", "mirrored", "workers", "tpu"],
        "auto: the workers of TF_CONFIG if that is set, else all GPUs of this machine; mirrored: "
        "all devices of this machine; workers: several processes or machines, which TF_CONFIG "
        "names; tpu: a TPU; none: one device.",
    )
    cpu_devices: int = fields.integer(
        1,
        "Split the CPU into so many devices, to try several replicas without GPUs; slower than "
        "one.",
        lower_bound=1,
    )
    tpu: str = fields.text(
        "", "The name or address of the TPU for --distribute=tpu; empty: this machine's."
    )


def get(config: DeviceConfig, batch_size: int | None) -> tf.distribute.Strategy:
    """The strategy that a configuration describes. Call it before TensorFlow uses a device.

    Args:
        config: the devices.
        batch_size: the global batch, which the replicas share equally; None if not known yet.

    Raises:
        UserError: the batch cannot be shared equally, `TF_CONFIG` is missing or wrong, or the TPU
            cannot be reached.
    """
    name = config.distribute
    if config.cpu_devices > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        devices = [tf.config.LogicalDeviceConfiguration()] * config.cpu_devices
        tf.config.set_logical_device_configuration(cpu, devices)
    if name == "auto":
        name = _automatic(config)
    strategy = _MAKERS[name](config)
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


def _automatic(config: DeviceConfig) -> str:
    if _names_cluster() and len(_tasks(_cluster(", or --distribute=none"))) > 1:
        return "workers"
    several = config.cpu_devices > 1 or len(tf.config.list_physical_devices("GPU")) > 1
    return "mirrored" if several else "none"


def _names_cluster() -> bool:
    """Whether `TF_CONFIG` says something of other processes; Kubernetes sets it for one, too."""
    text = os.environ.get("TF_CONFIG", "")
    if not text.strip():
        return False
    try:
        config = reading.parse_json(text)
    except ValueError:
        return True
    if isinstance(config, dict) and not config.get("cluster"):
        logging.info("TF_CONFIG names no cluster, so that this process works alone")
        return False
    return True


def _mirrored(config: DeviceConfig) -> tf.distribute.Strategy:
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    # Its start-up lines say nothing that a user could act on.
    logging.set_verbosity(logging.ERROR)
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _workers(config: DeviceConfig) -> tf.distribute.Strategy:
    _cluster()
    logging.set_verbosity(logging.ERROR)
    return tf.distribute.MultiWorkerMirroredStrategy()


def _cluster(otherwise: str = "") -> dict:
    """The cluster of `TF_CONFIG`, checked: TensorFlow would wait for ever for a wrong one.

    Args:
        otherwise: what else the user can do, for the message.

    Raises:
        UserError: there is none, or this process is no task of it.
    """
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
            f"something like {example}, with another index in each process{otherwise}"
        ) from error
    return tasks


def _tasks(cluster: dict) -> list:
    return [address for addresses in cluster.values() for address in addresses]


def _tpu(config: DeviceConfig) -> tf.distribute.Strategy:
    # Not run on a TPU by this project.
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=config.tpu)
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise UserError(
            f"--distribute=tpu found no TPU (--tpu={config.tpu!r}): {reason(error)}. Give its name "
            "or address, or another --distribute"
        ) from error


_MAKERS = {
    "none": lambda config: tf.distribute.get_strategy(),
    "mirrored": _mirrored,
    "workers": _workers,
    "tpu": _tpu,
}
