"""The small networks that candidates are judged by."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Size:
    """The small networks that candidates are judged by, and their training.

    A rung is one period of a cosine, from `learning_rate` down to 0 (Loshchilov, Hutter, SGDR:
    Stochastic Gradient Descent with Warm Restarts, ICLR 2017), so that its end can be compared.

    Attributes:
        channels, cells: of the network. Default: at most 8 channels, and all cells: what a shallow
            network does not need, such as a way for gradients past all convolutions and poolings, a
            deep one does, so that shallow ones rank cells by something else (docs/auto.md).
        pixels: the longer side of the images, which are shrunk to it. Default: 16.
        batch_size: images in a step. Small, because it is steps that a short training lacks, not
            images (docs/auto_evidence.md).
        steps: of the first rung, see `halving.steps`.
        validation: at most so many images rank candidates of the first rung, twice as many those of
            the second, and so on.
        learning_rate: first one of each rung.
    """

    channels: int | None = None
    cells: int | None = None
    pixels: int = 16
    batch_size: int = 32
    steps: int = 240
    validation: int = 2000
    learning_rate: float = 0.05

    def of(self, size: tuple[int, int], image_shape) -> "Size":
        """The same with numbers for what is None.

        Args:
            size: channels and cells of the network that is wanted.
            image_shape: of the images.
        """
        return dataclasses.replace(
            self,
            channels=self.channels or min(8, size[0]),
            cells=self.cells or size[1],
            pixels=min(self.pixels, max(image_shape[:2])),
        )
