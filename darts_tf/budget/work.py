"""How much work trainings are, in reference seconds, which no machine and no load changes.

A reference second is what a quiet core of a server takes a second for, roughly: the model below was
fitted to trainings of NAS-Bench-201's cells, and other networks may take twice or half the time.
What it is for is not to predict times but to be the same wherever a search is repeated.
"""

#: To build and trace a network.
NETWORK = 1.5
#: Of a training step, for each operation that one cell computes at once; what it costs to start it.
STEP = 1e-3
#: Of a multiply-add of the network, forward and with its gradients.
MULTIPLY_ADD = 7e-11


def training(multiply_adds: float, cells: float, steps: int, batch_size: int) -> float:
    """The reference seconds of training steps.

    Args:
        multiply_adds: of the network, an image.
        cells: that it has; those of a supernet as often as there are operations on an edge.
        steps: of training.
        batch_size: images in a step.
    """
    return steps * (STEP * cells + MULTIPLY_ADD * batch_size * multiply_adds)
