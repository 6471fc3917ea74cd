"""Random images in batches, and how many and how large."""

import dataclasses

import numpy as np

from darts_tf import datasets

CLASSES = 10
# Of CIFAR-10; what the numbers are does not matter to a step.
_MEAN, _STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)


@dataclasses.dataclass(frozen=True)
class Size:
    """How large the network, the images and the batch are.

    Attributes:
        channels: of the first cell.
        cells: number of cells.
        batch_size: images in a batch; a search takes two of them a step.
        image_size: height and width of an image.
    """

    channels: int = 16
    cells: int = 8
    batch_size: int = 16
    image_size: int = 32

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """`(height, width, 3)`."""
        return self.image_size, self.image_size, 3


def random_batches(size: Size, steps: int, seed: int, cutout: bool = False, augmented: bool = True):
    """A function from the epoch to random images in batches.

    Args:
        size: of the images and the batches.
        steps: how many batches.
        seed: of all that is random.
        cutout: whether squares are cut out, as where networks are trained.
        augmented: whether they are cropped, flipped and cut as those of CIFAR-10. Borders and holes
            of one colour make windows of a maximum pooling that have several largest pixels.
    """
    rng = np.random.default_rng(seed)
    count = size.batch_size * steps
    images = rng.integers(0, 256, (count, *size.image_shape), dtype=np.uint8)
    labels = rng.integers(0, CLASSES, count)
    augmentation = None
    if augmented:
        augmentation = datasets.Augmentation(
            crop_padding=size.image_size // 8,
            flip=True,
            cutout=size.image_size // 2 if cutout else 0,
        )
    return lambda epoch: datasets.batches(
        images,
        labels,
        size.batch_size,
        mean=_MEAN,
        std=_STD,
        augmentation=augmentation,
        shuffle=True,
        seed=seed,
        epoch=epoch,
        drop_remainder=True,
    )
