"""The small networks that candidates are judged by."""

import dataclasses

from darts_tf import macros, spaces

#: From this rung on, counted from 0, networks are as deep as the one that is wanted.
DEEP = 1


@dataclasses.dataclass(frozen=True)
class Size:
    """The small networks that candidates are judged by, and their training.

    A rung is one period of a cosine, from `learning_rate` down to 0 (Loshchilov, Hutter, SGDR:
    Stochastic Gradient Descent with Warm Restarts, ICLR 2017), so that its end can be compared.

    Attributes:
        channels, cells: of the network. Default: at most 8, and at most twice the fewest that the
            space's macro network has: of cells it is not less than that, because short trainings
            of networks that are less deep rank cells worse (docs/auto.md).
        deep_cells: of the network from the rung `DEEP` on. Default: as many as the network that is
            wanted. What a shallow network does not need, such as a way for gradients past all
            convolutions and poolings, a deep one does (docs/auto.md).
        pixels: the longer side of the images, which are shrunk to it. Default: 16.
        batch_size: images in a step.
        steps: of the first rung, see `halving.steps`.
        validation: at most so many images rank candidates of the first rung, twice as many those of
            the second, and so on.
        learning_rate: first one of each rung.
    """

    channels: int | None = None
    cells: int | None = None
    pixels: int = 16
    batch_size: int = 96
    steps: int = 80
    validation: int = 2000
    learning_rate: float = 0.05
    deep_cells: int | None = None

    def of(self, space, size: tuple[int, int], image_shape) -> "Size":
        """The same with numbers for what is None.

        Args:
            space: the search space, or its name.
            size: channels and cells of the network that is wanted.
            image_shape: of the images.
        """
        stages = getattr(macros.get(spaces.get(space).macro), "stages", 3)
        return dataclasses.replace(
            self,
            channels=self.channels or min(8, size[0]),
            cells=self.cells or min(size[1], 2 * stages),
            deep_cells=self.deep_cells or size[1],
            pixels=min(self.pixels, max(image_shape[:2])),
        )
