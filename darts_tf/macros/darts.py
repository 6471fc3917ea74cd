"""The macro network of DARTS."""

from darts_tf.common.errors import UserError
from darts_tf.layers.stems import Stem
from darts_tf.macros.macro import CellPlan, Macro
from darts_tf.macros.stems import IMAGE_STEMS


def reduction_cells(cells: int) -> tuple[int, ...]:
    """Positions of the reduction cells: one third and two thirds of the depth.

    Raises:
        UserError: there are fewer than 3 cells.
    """
    if cells < 3:
        raise UserError(f"cells must be at least 3 (two of them reduce), got {cells}")
    return cells // 3, 2 * cells // 3


class Darts(Macro):
    """A stem of three times the first cell's channels, cells, mean over all pixels, dense layer.

    The cells at one and two thirds of the depth reduce the image and double the channels (Liu,
    Simonyan, Yang, ICLR 2019, section 3.1.1).
    """

    name = "darts"
    search_size = (16, 8)
    network_size = (36, 20)
    auxiliary = True
    stems = IMAGE_STEMS
    stem_width = 3

    def stem(self, channels):
        return Stem(self.stem_width * channels, name="stem")

    def parts(self, channels, cells):
        reductions = reduction_cells(cells)
        plans = []
        for i in range(cells):
            channels *= 2 if i in reductions else 1
            plans.append(CellPlan(channels, i in reductions, i - 1 in reductions))
        return plans
