"""The formats of an export as flags, the images that a quantization needs, and the report."""

import dataclasses
from pathlib import Path

from darts_tf.common.errors import UserError
from darts_tf.export.formats import (
    FORMATS,
    LITERT,
    QUANTIZATIONS,
    SAVED_MODEL,
    Quantization,
    check_formats,
)
from train import fields
from train.config import Config


@dataclasses.dataclass(frozen=True, kw_only=True)
class FormatsConfig(Config):
    """The files that an export consists of."""

    format: tuple[str, ...] = fields.words(
        [SAVED_MODEL],
        f"The formats, separated by commas, of {', '.join(FORMATS)}; all but {SAVED_MODEL} need "
        "requirements-export.txt.",
    )
    quantize: str | None = fields.choice(
        None,
        QUANTIZATIONS,
        f"Write a smaller {LITERT} file as well, for images: int8, its ranges measured on training "
        "images, or weights in float16.",
    )
    dataset: str | None = fields.text(
        None,
        "Where the images of the training are now, for --quantize; by default where they were.",
    )
    data_dir: str | None = fields.text(
        None, "Where TensorFlow Datasets keeps them; by default as in the training."
    )


def check(config: FormatsConfig) -> None:
    """Refuses formats that cannot be written.

    Raises:
        UserError: names what is missing.
    """
    check_formats(config.format, config.quantize)
    if not config.quantize:
        config.refuse_given(("dataset", "data_dir"), "is for --quantize, which was not given")


def quantization(config: FormatsConfig, settings: dict, data_file: Path) -> Quantization | None:
    """The quantization that --quantize asks for, with the training and the test images of a run.

    Args:
        config: the flags.
        settings: of the run.
        data_file: what it says about its data.

    Raises:
        UserError: they cannot be loaded, or are others than those of the run.
    """
    if not config.quantize:
        return None
    from train import data_flags
    from train.images import Images
    from train.network_training import NetworkConfig

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Trained(data_flags.DataConfig, NetworkConfig):
        """The images of a training."""

    flags, names = Trained, ("dataset", *Images.flags, "evaluation_crop", "seed")
    names = [name for name in names if settings.get(name) is not None]
    values = {name: flags.parse(name, settings[name]) for name in names}
    values |= {
        name: getattr(config, name) for name in ("dataset", "data_dir") if name in config.given
    }
    _, data = data_flags.load(flags(given=frozenset(values), **values))
    before = data.read_description(data_file)
    if difference := data.difference(before, data.description(trains=False)):
        raise UserError(
            f"--quantize needs the images of the training, and these are others: {difference}. Say "
            "with --dataset where they are"
        )
    return Quantization(config.quantize, data.training.images, data.test.images, data.test.labels)


def report(files) -> None:
    """Prints a line for each file beside the SavedModel."""
    for file in files:
        words = [f"largest difference {file.max_difference:.2g}", _size(file.size_bytes)]
        if file.accuracy is not None:
            words.append(f"test accuracy {file.accuracy:.4f}")
        if file.float_operations is not None:
            of, all_of_them = file.float_operations
            words.append(f"{of} of {all_of_them} operations on floats")
        print(f"{file.name} ({file.format}): {', '.join(words)}")


def refuse_quantization(config: FormatsConfig, task: str) -> None:
    """Refuses a quantization of a network that does not take images."""
    config.refuse_given(
        ("quantize",), f"is for networks that name a class; that of {task} is exported in float32"
    )


def _size(count: int) -> str:
    return f"{count / 1e6:.2f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
