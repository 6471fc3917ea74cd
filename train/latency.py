"""Measures how long every operation of a search space takes on this device.

    python -m train.latency --space=darts_cnn --dataset=cifar10 --output=latency.json
    python -m train.search --cost=latency --latency_table=latency.json ...

Give both programs the same space, images, channels and cells. The table is JSON: milliseconds of
one inference of every layer, the median of many; leave the machine alone meanwhile.
"""

import platform

from absl import flags

import train.quiet  # noqa: F401  TensorFlow is first imported here
from darts_tf import spaces
from darts_tf.common.errors import UserError
from train import data_flags, program

# They stand in --help too.
flags.adopt_module_key_flags(data_flags)

_SPACE = flags.DEFINE_enum(
    "space", "darts_cnn", spaces.names(searchable_only=True), "The search space."
)
_OUTPUT = flags.DEFINE_string("output", None, "The file to write.")
_CHANNELS = flags.DEFINE_integer("channels", None, "As in train.search.", lower_bound=2)
_CELLS = flags.DEFINE_integer("cells", None, "As in train.search.", lower_bound=3)
_LATENCY_BATCH = flags.DEFINE_integer(
    "latency_batch", 1, "Images that are computed at once.", lower_bound=1
)


def main() -> None:
    """Measures and writes the table."""
    if not _OUTPUT.value:
        raise UserError("--output is missing; give the file to write")
    data_flags.refuse_augmentation("train.latency")

    import tensorflow as tf

    from darts_tf.costs import expected_cost
    from darts_tf.costs.latency import Latencies

    data = data_flags.load()
    kinds = sorted({device.device_type for device in tf.config.list_logical_devices()})
    device = f"{platform.system()} {platform.machine()}, {', '.join(kinds)}"
    latencies = Latencies(batch_size=_LATENCY_BATCH.value, device=device)
    expected_cost.table(
        _SPACE.value,
        data.image_shape,
        data.num_classes,
        _CHANNELS.value,
        _CELLS.value,
        measure=latencies.measure_now,
    )
    latencies.save(_OUTPUT.value)
    print(f"measured {len(latencies.milliseconds)} layers on {device}; see {_OUTPUT.value}")


if __name__ == "__main__":
    program.run(main)
