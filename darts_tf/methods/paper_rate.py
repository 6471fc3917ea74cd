"""How fast the architecture variables move in a search that is shorter than its paper's."""

import math

from darts_tf.genotypes.decidedness import CLOSE

# One step, that of one batch, moves two alphas apart by twice the rate: no more than what counts as
# a draw between their operations.
LARGEST = CLOSE / 2


class PaperRate(float):
    """A learning rate of the architecture variables, and the number of steps that it was made for.

    A step of Adam moves a variable by about the learning rate, whatever the size of the gradient
    (Kingma, Ba, ICLR 2015, section 2.1). So rate * steps, 3e-4 * 19,500 = 5.85 for DARTS, is how
    far the search can move an alpha, and a part of the method's definition. A search of fewer steps
    takes a rate that is larger by as much, up to `LARGEST`, 0.03. One of more steps keeps the
    paper's, and so does one whose rate is above `LARGEST` already.

    What is calculated with it is an ordinary float, which is taken as it is.

    Args:
        rate: as the paper or its authors' code has it.
        steps: architecture steps of that search: those of the epochs in which the alphas are not
            frozen.

    Example:
        >>> PaperRate(3e-4, steps=19_500).for_steps(975)
        0.006
    """

    def __new__(cls, rate: float, steps: int):
        found = super().__new__(cls, rate)
        found.steps = steps
        return found

    def __getnewargs__(self):
        return float(self), self.steps

    def for_steps(self, steps: int) -> float:
        """The rate of a search that moves the alphas so many times."""
        rate = float(self)
        if not 0 < steps < self.steps:
            return rate
        return max(rate, min(LARGEST, rate * self.steps / steps))


def describe(rate: float, given: float, steps: int) -> str:
    """The rate that a search uses, and why, in words.

    Args:
        rate: of the architecture optimizer.
        given: of the method.
        steps: architecture steps of the search.
    """
    expected = given.for_steps(steps) if isinstance(given, PaperRate) else given
    text = f"learning rate of the architecture: {rate:.3g}"
    if not math.isclose(rate, expected, rel_tol=1e-5):
        return f"{text}, as the checkpoint has it that the search goes on from"
    if not isinstance(given, PaperRate):
        return f"{text}, as given"
    paper = f"the paper's {float(given):g} is for {given.steps:,} steps of the architecture"
    if expected == given:
        return f"{text}; {paper}, these are {steps:,}"
    if expected < given * given.steps / steps:
        return f"{text}, the largest; {paper}, these are only {steps:,}"
    return f"{text}, larger by as much as the steps are fewer; {paper}, these are {steps:,}"
