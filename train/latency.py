"""Measures how long every operation of a search space takes on this device.

    python -m train.latency --space=darts_cnn --dataset=cifar10 --output=latency.json
    python -m train.search --cost=latency --latency_table=latency.json ...

Give both programs the same space, images, channels and cells. The table is JSON: milliseconds of
one inference of every layer, the median of many; leave the machine alone meanwhile.
"""

import dataclasses
import platform

import train.startup  # noqa: F401  TensorFlow is first imported here

import tensorflow as tf

from darts_tf import spaces
from darts_tf.common.errors import UserError
from darts_tf.costs import expected_cost
from darts_tf.costs.latency import Latencies
from train import data_flags, fields, program, run_data
from train.data_flags import DataConfig
from train.run_data import RunDataConfig

# Of a search, whose networks are measured.
_OF_RUN = ("dataset", "data_dir", "image_size", "space", "channels", "cells", "stem")


@dataclasses.dataclass(frozen=True, kw_only=True)
class LatencyConfig(DataConfig, RunDataConfig):
    """A measurement of latencies."""

    without_task = (
        "latencies are those of operations on images; the operations of a recurrent cell differ in "
        "no product of matrices, and train.search has --cost for images only"
    )

    space: str = fields.choice("darts_cnn", spaces.names(searchable_only=True), "The search space.")
    output: str | None = fields.text(None, "The file to write.")
    channels: int | None = fields.integer(None, "As in train.search.", lower_bound=2)
    cells: int | None = fields.integer(None, "As in train.search.", lower_bound=3)
    latency_batch: int = fields.integer(1, "Images that are computed at once.", lower_bound=1)


def main(config: LatencyConfig) -> None:
    """Measures and writes the table."""
    if not config.output:
        raise UserError("--output is missing; give the file to write")
    data_flags.refuse_augmentation(config, "train.latency")
    config = run_data.of_run(config, _OF_RUN)
    config, data = data_flags.load(config)
    kinds = sorted({device.device_type for device in tf.config.list_logical_devices()})
    device = f"{platform.system()} {platform.machine()}, {', '.join(kinds)}"
    latencies = Latencies(batch_size=config.latency_batch, device=device)
    expected_cost.table(
        data.space(config.space),
        data.input_shape,
        data.num_classes,
        config.channels,
        config.cells,
        measure=latencies.measure_now,
    )
    latencies.save(config.output)
    print(f"measured {len(latencies.milliseconds)} layers on {device}; see {config.output}")


if __name__ == "__main__":
    program.run(main)
