"""The --distribute flag as a `tf.distribute` strategy."""

import tensorflow as tf
from absl import logging

from darts_tf.errors import UserError


def get(name: str, batch_size: int) -> tf.distribute.Strategy:
    """The strategy of that name on this machine.

    Args:
        name: "auto" (mirrored where there are several GPUs), "mirrored" or "none".
        batch_size: the global batch, which the replicas share equally.

    Raises:
        UserError: the batch cannot be shared equally.
    """
    gpus = tf.config.list_logical_devices("GPU")
    devices = gpus or tf.config.list_logical_devices("CPU")
    if name == "none" or (name == "auto" and len(devices) < 2):
        return tf.distribute.get_strategy()
    # Its start-up lines say nothing that a user could act on.
    logging.set_verbosity(logging.ERROR)
    strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise UserError(
            f"--batch_size={batch_size} cannot be shared equally by {replicas} devices; "
            f"give a multiple of {replicas}, or --distribute=none"
        )
    print(f"distribution: {replicas} replicas of {batch_size // replicas} images", flush=True)
    return strategy
