"""How much memory a search needs, before it runs.

    estimate = what the process holds now + runtime + graph + weights
               + images in a pass * activations

The activations of an image are counted in the graph of one forward pass: the tensors that its
gradient reads. What TensorFlow needs to build and run the graph of a step is proportional to its
operations; that factor was measured on CPUs, see `python -m train.benchmark`, whose tables hold the
estimate beside the measured peak. A further level adds passes of the supernet and of its own model.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from darts_tf import gradients
from darts_tf.cells.recomputed_convolutions import COMPUTED_AGAIN
from darts_tf.common.errors import UserError
from darts_tf.levels import FurtherLevel
from darts_tf.supernets.problem import SupernetProblem
from darts_tf.supernets.supernet import Supernet

# What the gradient of an operation reads: positions of inputs, then of outputs.
_KEPT = {
    "Conv2D": ((0,), ()),
    "DepthwiseConv2dNative": ((0,), ()),
    "FusedBatchNormV3": ((0,), ()),
    "MatMul": ((0,), ()),
    "MaxPool": ((0,), (0,)),
    "Mul": ((0, 1), ()),
    "Relu": ((), (0,)),
}
# Passes, each with its gradient, of the training step of one level below the outermost one by a
# finite difference: the inner step, two sides, and the step itself; and one of the outermost loss.
_PASSES = 5
# Passes of the supernet in the sides of a difference at a further level: two, or one for both.
_SIDES = {False: 2, True: 1}
# What TensorFlow takes for its first steps, whatever they compute; and what share of the images
# that gradients compute again is there at one time. With these the estimate is within 5 % of the
# peaks in docs/benchmark_notes.md: 3 to 20 cells, batches of 16 to 128.
_RUNTIME_BYTES = 445_000_000
_AT_ONCE = 0.2
# What a level beside the architecture and the weights takes, and how much more of the graph each of
# its passes of the supernet than one of theirs: tetlo, 3 and 8 cells, batch 16, 2.77 and 4.79 GB.
_LEVEL_BYTES = 130_000_000
_FURTHER_PASS = 1.3
# A batch size that no other axis has, so that it marks the tensors that grow with the batch.
_TRACED = 9973


@dataclasses.dataclass(frozen=True)
class MemoryEstimate:
    """Peak memory of the process as a function of the batch size.

    Attributes:
        fixed_bytes: what is needed whatever the batch.
        image_bytes: for each image that is computed at once.
    """

    fixed_bytes: int
    image_bytes: int

    def peak(self, batch_size: int, accumulate_steps: int = 1) -> int:
        """Bytes at that batch size, a batch being computed in `accumulate_steps` parts."""
        return self.fixed_bytes + self.image_bytes * -(-batch_size // accumulate_steps)

    def largest_batch(self, limit_bytes: float, accumulate_steps: int = 1) -> int:
        """The largest batch size within a limit, a multiple of `accumulate_steps`.

        Raises:
            UserError: not even one image a part fits.
        """
        part = int(limit_bytes - self.fixed_bytes) // self.image_bytes
        if part < 1:
            raise UserError(
                f"the memory limit of {limit_bytes / 1e9:.2f} GB is too small: even a batch of "
                f"{accumulate_steps} needs about {self.peak(1) / 1e9:.2f} GB; use fewer channels "
                "or cells, or smaller images"
            )
        return part * accumulate_steps


def estimate(
    supernet: Supernet,
    gradient: str | Callable = "first_order",
    held_bytes: int | None = None,
    levels: Sequence[FurtherLevel] = (),
    task=None,
) -> MemoryEstimate:
    """Estimates the peak memory of a search in this process.

    Args:
        supernet: the supernet, built but not searched with.
        gradient: the hypergradient, see `darts_tf.gradients.get`; one whose `memory` has been
            measured, such as "first_order" or "finite_difference".
        held_bytes: what the process held before the search; default: what it holds now.
        levels: those of the method beside the architecture and the weights, not built; see
            `Method.make_levels`.
        task: the search's, for its levels. Default: the classification of images.

    Raises:
        UserError: there is no estimate for that hypergradient, or for supernets of that kind.
    """
    factors = {type(cell).__name__: cell.graph_factor for cell in supernet.cells}
    if None in factors.values():
        raise UserError(
            f"the memory of a supernet of cells of the class {', '.join(factors)} cannot be "
            "estimated, because nobody has measured it; give the batch size as a number"
        )
    needed = gradients.get(gradient).memory
    if needed is None:
        measured = [name for name in gradients.names() if gradients.get(name).memory is not None]
        raise UserError(
            f"the memory of the hypergradient {gradients.label(gradient)!r} cannot be estimated, "
            f"only that of {' and '.join(measured)}; give the batch size as a number"
        )
    held = resident_memory() if held_bytes is None else held_bytes
    problem = SupernetProblem(supernet, task)
    for level in levels:
        level.build(problem)
    main = _operations(lambda inputs: supernet(inputs, training=True), supernet)
    own = [_operations(level.own_pass, supernet) for level in levels]
    variables = [*supernet.weight_variables, *(v for level in levels for v in level.variables)]
    values = sum(int(np.prod(v.shape)) * 4 for v in variables)
    count, *own_passes = _passes(levels)
    graph = len(main) * (1 + _FURTHER_PASS * (count / _PASSES - 1))
    for passes, operations in zip(own_passes, own, strict=True):
        graph += passes / _PASSES * len(operations)
    factor = max(factors.values())
    fixed = held + _RUNTIME_BYTES + _LEVEL_BYTES * len(levels)
    fixed += int(needed.graph_bytes * factor * graph) + needed.weight_copies * values
    kept = sum(map(activation_bytes, [main, *own])) + _AT_ONCE * activation_bytes(main, True)
    return MemoryEstimate(fixed, max(1, int(needed.activations * kept)))


def _operations(function: Callable, supernet: Supernet) -> list:
    """The operations of a function of `_TRACED` inputs of a supernet."""
    one = supernet.signature
    traced = tf.TensorSpec((_TRACED, *one.shape[1:]), one.dtype)
    return (
        tf.function(function, autograph=False).get_concrete_function(traced).graph.get_operations()
    )


def _passes(levels: Sequence[FurtherLevel]) -> list[int]:
    """How many passes a step has: of the supernet, and of what each level has of its own.

    In the loss of an inner level the supernet is a part, whose gradient its own step does not need;
    such a pass takes as much memory as one with it, as measured with a third level. A level that is
    moved as the architecture is has an estimate of its own, through all the inner levels.
    """
    inner = [level for level in levels if level.inner]
    estimates = 1 + len(levels) - len(inner)
    sides = sum(_SIDES[level.has_source] for level in inner)
    # Of the supernet: the weights' step, and in each estimate the outermost loss, the weights' and
    # the inner levels'.
    count = 1 + estimates * (1 + 3 + sides + len(inner)) + len(inner)
    of_inner, of_others = 1 + estimates * 4, estimates
    return [count, *(of_inner if level.inner else of_others for level in levels)]


def activation_bytes(operations, computed_again: bool = False) -> int:
    """Bytes that the gradient of a forward pass reads, for one image.

    Args:
        operations: those of a graph that was traced with a batch of `_TRACED` images.
        computed_again: of what it computes again, instead of what it keeps; see
            `darts_tf.cells.recomputed_convolutions`.
    """
    kept = {}
    for operation in operations:
        inputs, outputs = _KEPT.get(operation.type, ((), ()))
        tensors = [operation.inputs[i] for i in inputs] + [operation.outputs[i] for i in outputs]
        for tensor in map(_source, tensors):
            if (COMPUTED_AGAIN in tensor.op.name) != computed_again:
                continue
            size = tensor.shape.num_elements() or 0
            # Space-to-batch multiplies the batch and divides the image, so not the first axis
            # but the whole size tells how much belongs to one image.
            if tensor.shape.rank and tensor.shape[0] and tensor.shape[0] % _TRACED == 0:
                kept[tensor.name] = size // _TRACED * tensor.dtype.size
    return sum(kept.values())


def _source(tensor):
    """What a tensor is the same as, past operations that only hand it on."""
    while tensor.op.type in ("Identity", "IdentityN"):
        tensor = tensor.op.inputs[tensor.value_index]
    return tensor


def resident_memory() -> int:
    """Bytes of physical memory that this process holds now, about 0.8 GB where nobody tells."""
    try:
        status = pathlib.Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))
    except (OSError, StopIteration):
        return 800_000_000


def free_memory() -> int:
    """Bytes that this process could still use without swapping, with what it holds already.

    Raises:
        UserError: the system does not tell.
    """
    try:
        lines = pathlib.Path("/proc/meminfo").read_text().splitlines()
        available = next(int(x.split()[1]) * 1024 for x in lines if x.startswith("MemAvailable:"))
    except (OSError, StopIteration) as error:
        raise UserError(
            "this system does not tell how much memory is free; give --memory_limit in GB"
        ) from error
    return available + resident_memory()
