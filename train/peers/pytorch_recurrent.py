"""A step of DARTS' recurrent search in plain PyTorch, measured as `train.benchmark` does its own.

    python -m train.peers.pytorch_recurrent --method=darts-v1 --units=300 --batch_size=64

It has every setting that helps it: batches that are ready in memory, one product for all edges into
a node, gradients of the alphas alone where no others are wanted, and denormal numbers flushed to
zero.
"""

import argparse
import json
import sys

try:
    import torch
    from torch.nn import functional

    from train.peers.pytorch_recurrent_network import RecurrentSupernet
except ModuleNotFoundError as error:
    if error.name not in ("torch", "numpy"):
        raise
    print(
        f"error: the package {error.name} is missing in {sys.executable}; install it with: "
        "pip install -r train/peers/requirements.txt (PyTorch's CPU build is enough), or name a "
        "Python that has it with --peer_python",
        file=sys.stderr,
    )
    sys.exit(2)

from darts_tf.benchmark.measurement import Measurement, Stopwatch, available_cpus, peak_memory

LEARNING_RATE, WEIGHT_DECAY, CLIP_NORM, SLOWNESS = 20.0, 5e-7, 0.25, 1e-3
#: What the paper's own network has; another number would be another network.
EXPECTED_WEIGHTS = {(10_000, 300): 4_810_000}


class RecurrentSearchStep:
    """The alphas by the first- or second-order gradient, then the weights.

    The two streams of text have a state each, which goes on from step to step.

    Args:
        network: a `RecurrentSupernet`.
        second_order: whether the weights are unrolled by one step for the alphas' gradient.
        batch_size: columns of a text.
    """

    def __init__(self, network, second_order, batch_size):
        self.network = network
        self.weights = list(network.parameters())
        self.second_order = second_order
        self.weight_optimizer = torch.optim.SGD(
            self.weights, LEARNING_RATE, weight_decay=WEIGHT_DECAY
        )
        self.alpha_optimizer = torch.optim.Adam(network.alphas, 3e-3, weight_decay=1e-3)
        start = self.weights[0].new_zeros(batch_size, network.units)
        self.states = {"train": start, "validation": start}

    def __call__(self, train, validation):
        if self.second_order:
            gradients, state = self.unrolled(train, validation)
        else:
            loss, state = self.loss(validation, self.states["validation"])
            gradients = torch.autograd.grad(loss, self.network.alphas)
        self.states["validation"] = state
        for alpha, gradient in zip(self.network.alphas, gradients, strict=True):
            alpha.grad = gradient
        self.alpha_optimizer.step()
        for alpha in self.network.alphas:
            alpha.requires_grad_(False)
        loss, self.states["train"] = self.loss(train, self.states["train"], SLOWNESS)
        self.weight_optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights, CLIP_NORM)
        self.weight_optimizer.step()
        for alpha in self.network.alphas:
            alpha.requires_grad_()
        return loss.item()

    def loss(self, batch, state, slowness=0.0):
        """The mean cross-entropy, with the outputs' change by a step if wanted; and the state."""
        tokens, targets = batch
        logits, outputs, state = self.network(tokens, state)
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        if slowness:
            loss = loss + slowness * (outputs[1:] - outputs[:-1]).square().mean()
        return loss, state.detach()

    def unrolled(self, train, validation):
        """Equation 8 of the paper: a central difference for the second-order term.

        As in the authors' recurrent code the step has no momentum, its gradient is clipped, and so
        is the validation gradient at the stepped weights.
        """
        with torch.no_grad():
            kept = [w.clone() for w in self.weights]
        loss, _ = self.loss(train, self.states["train"], SLOWNESS)
        direction = list(torch.autograd.grad(loss, self.weights))
        scale = _clip(direction)
        with torch.no_grad():
            torch._foreach_add_(direction, self.weights, alpha=WEIGHT_DECAY)
            torch._foreach_add_(self.weights, direction, alpha=-LEARNING_RATE)
        loss, state = self.loss(validation, self.states["validation"])
        count = len(self.network.alphas)
        found = torch.autograd.grad(loss, [*self.network.alphas, *self.weights])
        direct, v = found[:count], list(found[count:])
        _clip(v)
        radius = 0.01 / _norm(v)
        sides = []
        for sign in (1, -1):
            with torch.no_grad():
                torch._foreach_copy_(self.weights, kept)
                torch._foreach_add_(self.weights, v, alpha=sign * radius)
            loss, _ = self.loss(train, self.states["train"], SLOWNESS)
            sides.append(torch.autograd.grad(loss, self.network.alphas))
        with torch.no_grad():
            torch._foreach_copy_(self.weights, kept)
        factor = scale * LEARNING_RATE / (2 * radius)
        return [d - factor * (p - m) for d, p, m in zip(direct, *sides, strict=True)], state


def _norm(tensors):
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors))).item()


def _clip(tensors):
    """Scales tensors in place to the largest norm that is allowed; returns the factor."""
    factor = min(1.0, CLIP_NORM / (_norm(tensors) + 1e-6))
    torch._foreach_mul_(tensors, factor)
    return factor


def measure(arguments) -> Measurement:
    """Runs the steps that the arguments describe."""
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    torch.set_num_threads(arguments.threads or available_cpus())
    network = RecurrentSupernet(arguments.vocabulary, arguments.units)
    step = RecurrentSearchStep(network, arguments.method == "darts-v2", arguments.batch_size)
    weights = sum(w.numel() for w in step.weights)
    expected = EXPECTED_WEIGHTS.get((arguments.vocabulary, arguments.units), weights)
    if weights != expected:
        sys.exit(f"error: the PyTorch network has {weights:,} weights instead of {expected:,}")
    shape = arguments.length, arguments.batch_size
    batches = [
        tuple(torch.randint(0, arguments.vocabulary, shape) for _ in range(2)) for _ in range(2)
    ]
    stopwatch = Stopwatch(arguments.steps, arguments.warmup, arguments.takes_turns)
    while not stopwatch.finished:
        step(*batches)
        stopwatch.lap()
    return Measurement(
        stopwatch.step_seconds,
        stopwatch.startup_seconds,
        peak_memory(),
        weights,
        f"PyTorch {torch.__version__}",
        torch.get_num_threads(),
        turns=stopwatch.turns,
        step_cpu_seconds=stopwatch.step_cpu_seconds,
    )


def _parse():
    parser = argparse.ArgumentParser(
        prog="python -m train.peers.pytorch_recurrent", description=__doc__
    )
    parser.add_argument("--method", default="darts-v1", choices=["darts-v1", "darts-v2"])
    parser.add_argument("--units", type=int, default=300)
    parser.add_argument("--vocabulary", type=int, default=10_000)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--length", type=int, default=35, help="steps of a window of the text")
    parser.add_argument("--threads", type=int, default=0, help="0: one for each core")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--takes_turns", type=int, default=1, help="see train.benchmark")
    return parser.parse_args()


if __name__ == "__main__":
    print(json.dumps(measure(_parse()).to_dict()))
