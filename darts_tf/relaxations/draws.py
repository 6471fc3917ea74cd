"""Which random draws operation weights depend on."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Draws:
    """When a relaxation draws, and what a draw is.

    There is one draw for each cell type and step of a level, shared by all repetitions of the cell
    and by all passes of a hypergradient.

    Attributes:
        only: the levels of the search whose steps draw, such as `("weights",)`; the steps of all
            others compute with the weights without noise. None for all levels, none for a
            relaxation that draws nothing.
        single: whether a draw takes one operation of each edge instead of mixing all of them.
        differentiable: whether gradients reach the architecture variables through a draw. Where
            they do not, the search is over the distribution of the draws, and the relaxation has
            `logits`.
    """

    only: tuple[str, ...] | None = None
    single: bool = False
    differentiable: bool = True

    @property
    def any(self) -> bool:
        """Whether anything is drawn at all."""
        return self.only is None or bool(self.only)

    def of(self, level: str) -> bool:
        """Whether the steps of a level, "weights" or "architecture", draw."""
        return self.only is None or level in self.only

    @property
    def differ(self) -> bool:
        """Whether the steps of some levels draw and those of others do not."""
        return self.any and self.only is not None


#: Of a relaxation whose weights depend on no random numbers.
NO_DRAWS = Draws(only=())
