"""The flags of train.tune, and what they mean together."""

from absl import flags

from darts_tf import macros, methods, spaces
from darts_tf.common.errors import UserError
from train import data_flags, found, limits

TUNER = flags.DEFINE_enum(
    "tuner",
    "architecture",
    ["architecture", "random", "bayesian", "hyperband", "grid"],
    "architecture: a trial is a differentiable search and a training of its cell's network; the "
    "others are Keras Tuner's own, whose trials train networks of cells that they chose.",
)
OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "The folder that the tuner writes to.")
TRIALS = flags.DEFINE_integer(
    "trials",
    10,
    "The greatest number of trials; hyperband decides by --epochs how many it makes.",
    lower_bound=1,
)
EPOCHS = flags.DEFINE_integer(
    "epochs",
    20,
    "Epochs to train a trial's network; with hyperband, those of the longest training.",
    lower_bound=1,
)
SPACE = flags.DEFINE_enum(
    "space", "darts_cnn", spaces.names(searchable_only=True), "The search space."
)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 64, "Images in a batch.", lower_bound=1)
VALIDATION_PORTION = flags.DEFINE_float(
    "validation_portion", 0.2, "Share of the training images that scores the trials' networks."
)
CHANNELS = flags.DEFINE_list(
    "channels",
    None,
    "Channels of the first cell of a trial's network; by default the space's own (36 in "
    "darts_cnn). Several, such as 8,16, are tuned, but not by --tuner=architecture.",
)
CELLS = flags.DEFINE_list("cells", None, "Its cells, likewise (20 in darts_cnn).")
LEARNING_RATE = flags.DEFINE_list(
    "learning_rate",
    ["0.001"],
    "Not for --tuner=architecture: of Adam; two, the least and the greatest, are tuned.",
)
METHOD = flags.DEFINE_list(
    "method", ["darts-v1"], "For --tuner=architecture: the search method; several are tuned."
)
SEARCH_EPOCHS = flags.DEFINE_list(
    "search_epochs", ["25"], "For --tuner=architecture: epochs of the search; several are tuned."
)
SEARCH_CHANNELS = flags.DEFINE_list(
    "search_channels",
    None,
    "For --tuner=architecture: channels of the supernet's first cell, 16 by default; several are "
    "tuned.",
)
SEARCH_CELLS = flags.DEFINE_list(
    "search_cells",
    None,
    "For --tuner=architecture: cells of the supernet (8 in darts_cnn); several are tuned.",
)
WEIGHT_LEARNING_RATE = flags.DEFINE_list(
    "weight_learning_rate",
    None,
    "For --tuner=architecture: first learning rate of the supernet's weights, by default the "
    "method's; two, the least and the greatest, are tuned.",
)
ARCHITECTURE_LEARNING_RATE = flags.DEFINE_list(
    "architecture_learning_rate",
    None,
    "For --tuner=architecture: learning rate of the architecture variables, by default as in "
    "train.search; two, the least and the greatest, are tuned.",
)
_OF_ARCHITECTURE = (
    *(METHOD, SEARCH_EPOCHS, SEARCH_CHANNELS, SEARCH_CELLS),
    *(WEIGHT_LEARNING_RATE, ARCHITECTURE_LEARNING_RATE),
)
_OWN = (
    *(TUNER, TRIALS, EPOCHS, SPACE, BATCH_SIZE, VALIDATION_PORTION, CHANNELS, CELLS),
    *(LEARNING_RATE, *_OF_ARCHITECTURE, *found.FLAGS),
)


def check() -> None:
    """Refuses what is missing, out of its range or without effect.

    Raises:
        UserError: names the flag.
    """
    if not OUTPUT_DIR.value:
        raise UserError("--output_dir is missing; give the folder that the tuner writes to")
    tuner = TUNER.value
    others = (LEARNING_RATE,) if tuner == "architecture" else _OF_ARCHITECTURE
    for flag in (*others, *((TRIALS,) if tuner == "hyperband" else ())):
        if flag.present:
            raise UserError(f"--{flag.name} has no meaning for --tuner={tuner}; leave it out")
    if not 0 < VALIDATION_PORTION.value < 1:
        raise UserError(
            f"--validation_portion={VALIDATION_PORTION.value}: expected a number between 0 and 1"
        )
    for name in METHOD.value:
        methods.get(name)
    for flag in (CHANNELS, CELLS):
        if tuner == "architecture" and len(flag.value or ()) > 1:
            raise UserError(
                f"--{flag.name}={','.join(flag.value)}: --tuner=architecture takes one size of its "
                f"networks; it tunes --search_{flag.name}"
            )
    for flag in (CHANNELS, CELLS, SEARCH_EPOCHS, SEARCH_CHANNELS, SEARCH_CELLS):
        counts(flag)
    for flag in (LEARNING_RATE, WEIGHT_LEARNING_RATE, ARCHITECTURE_LEARNING_RATE):
        rates(flag)


def counts(flag) -> list[int] | None:
    """The whole numbers of a flag, None if it was not given."""
    try:
        numbers = [int(text) for text in flag.value or ()]
        if flag.value == [] or not all(number > 0 for number in numbers):
            raise ValueError
        for number in numbers:
            limits.check(flag.name, number)
    except UserError:
        raise
    except ValueError:
        raise UserError(
            f"--{flag.name}={','.join(flag.value)}: expected a whole number above 0, or several "
            "separated by commas"
        ) from None
    return numbers or None


def rates(flag) -> float | tuple[float, float] | None:
    """A learning rate, or the least and the greatest; None if it was not given."""
    try:
        numbers = tuple(float(text) for text in flag.value or ())
        in_order = 0 < numbers[0] < numbers[-1] if len(numbers) == 2 else numbers > (0,)
        if flag.value is not None and not (len(numbers) in (1, 2) and in_order):
            raise ValueError
    except ValueError:
        raise UserError(
            f"--{flag.name}={','.join(flag.value)}: expected a number above 0, or the least "
            "and the greatest separated by a comma"
        ) from None
    return numbers[0] if len(numbers) == 1 else numbers or None


def size() -> tuple[int, int]:
    """The first of --channels and of --cells, by default those of the space's macro network."""
    sizes = macros.get(spaces.get(SPACE.value).macro).network_size
    return tuple(
        default if counts(flag) is None else counts(flag)[0]
        for flag, default in zip((CHANNELS, CELLS), sizes, strict=True)
    )


def config() -> dict:
    """All settings that decide the result: a tuner goes on only with the same ones."""
    return {"program": "tune", **{f.name: f.value for f in _OWN}, **data_flags.config()}
