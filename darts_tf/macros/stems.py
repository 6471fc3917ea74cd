"""The same macro network with another stem, for images that are larger than CIFAR's."""

from darts_tf.common.errors import UserError
from darts_tf.layers.stems import ImageNetStems, SpaceToDepthStem
from darts_tf.macros.macro import Macro, is_plan

#: The stems for images: CIFAR's keeps their size, "space_to_depth" divides it by 4 and "imagenet",
#: that of Liu, Simonyan, Yang, ICLR 2019, section 3.3, by 8.
IMAGE_STEMS = ("cifar", "imagenet", "space_to_depth")
# The shorter side, in pixels, from which on a stem is chosen: the first cell then has at least
# 16x16 positions.
_FROM = (("imagenet", 128), ("space_to_depth", 64))


class WithStem(Macro):
    """A macro network of images with another stem.

    Args:
        macro: the network with its own stem.
        stem: "imagenet" or "space_to_depth".

    Raises:
        UserError: the network cannot have that stem.
    """

    _OWN = (
        *("search_size", "network_size", "auxiliary", "stems", "keeps_state", "least_outputs"),
        *("cell_arguments", "search_settings", "stem_width"),
    )

    def __init__(self, macro: Macro, stem: str):
        check_stem(macro, stem)
        self._macro = macro
        self.stem_name = stem
        self.name = f"{macro.name}_{stem}"
        for name in self._OWN:
            setattr(self, name, getattr(macro, name))
        if hasattr(macro, "stages"):
            self.stages = macro.stages

    def signature(self, shape):
        return self._macro.signature(shape)

    def stem(self, channels):
        if self.stem_name == "imagenet":
            return ImageNetStems(channels, name="stem")
        # As wide as the stem that it stands for.
        return SpaceToDepthStem(self.stem_width * channels, name="stem")

    def parts(self, channels, cells):
        parts = self._macro.parts(channels, cells)
        if self.stem_name == "imagenet":
            # The two inputs of the first cell differ in size, as behind a reduction.
            first = next(i for i, part in enumerate(parts) if is_plan(part))
            parts[first] = parts[first]._replace(reduction_before=True)
        return parts

    def make_head(self, num_classes, stem):
        return self._macro.make_head(num_classes, stem)

    def head(self, num_classes, name=None):
        return self._macro.head(num_classes, name)


def check_stem(macro: Macro, stem: str) -> None:
    """Refuses a stem that a macro network cannot have.

    Raises:
        UserError: names those that it can have.
    """
    if stem not in macro.stems:
        raise UserError(
            f"unknown stem {stem!r}; expected one of {', '.join(macro.stems)}, the stems of the "
            f"macro network {macro.name!r}"
        )


def suited_stem(macro: Macro, input_shape: tuple[int, ...]) -> str:
    """The stem by the size of images: the first cell has at least 16x16 positions.

    Args:
        macro: the network; one without such stems keeps its own.
        input_shape: `(height, width, channels)`.

    Returns:
        "imagenet" if the shorter side has at least 128 pixels, "space_to_depth" if it has at least
        64, else "cifar".
    """
    known = [stem for stem, side in _FROM if stem in macro.stems and min(input_shape[:2]) >= side]
    return known[0] if known else "cifar"
