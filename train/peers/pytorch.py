"""A step of DARTS in plain PyTorch, measured as `train.benchmark` measures its own.

    python -m train.peers.pytorch --method=darts-v1 --batch_size=16

It has every setting that helps it: batches that are ready in memory, gradients of the alphas alone
where no others are wanted, in-place arithmetic over all weights at once, denormal numbers flushed
to zero, and the memory layout that the user asks for. `--device=cuda`, `--precision=bfloat16` and
`--compile` are for the comparison on a GPU (docs/gpu.md).
"""

import argparse
import contextlib
import json
import sys

try:
    import torch
    from torch.nn import functional

    from train.peers.pytorch_networks import DerivedNetwork, Supernet
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

from darts_tf import genotypes
from darts_tf.benchmark.measurement import Measurement, Stopwatch, available_cpus, peak_memory

LEARNING_RATE, MOMENTUM, WEIGHT_DECAY, CLIP_NORM = 0.025, 0.9, 3e-4, 5.0
AUXILIARY_WEIGHT = 0.4
#: What the paper's own networks have; another number would be another network.
EXPECTED_WEIGHTS = {("search", 16, 8): 1_930_618, ("DARTS_V2", 36, 20): 3_825_768}


class SearchStep:
    """The alphas by the first- or second-order gradient, then the weights."""

    def __init__(self, network, second_order, scope=contextlib.nullcontext):
        self.network = network
        self.forward = network
        self.scope = scope
        self.weights = list(network.parameters())
        self.second_order = second_order
        self.weight_optimizer = _sgd(self.weights)
        self.alpha_optimizer = torch.optim.Adam(
            network.alphas, 3e-4, betas=(0.5, 0.999), weight_decay=1e-3
        )

    def __call__(self, train, validation):
        gradients = self.unrolled(train, validation) if self.second_order else None
        if gradients is None:
            gradients = torch.autograd.grad(self.loss(validation), self.network.alphas)
        for alpha, gradient in zip(self.network.alphas, gradients, strict=True):
            alpha.grad = gradient
        self.alpha_optimizer.step()
        for alpha in self.network.alphas:
            alpha.requires_grad_(False)
        loss = self.loss(train)
        _descend(loss, self.weights, self.weight_optimizer)
        for alpha in self.network.alphas:
            alpha.requires_grad_()
        return loss.item()

    def loss(self, batch):
        images, labels = batch
        with self.scope():
            return functional.cross_entropy(self.forward(images), labels)

    def unrolled(self, train, validation):
        """Equation 8 of the paper: a central difference for the second-order term."""
        with torch.no_grad():
            kept = [w.clone() for w in self.weights]
        direction = list(torch.autograd.grad(self.loss(train), self.weights))
        with torch.no_grad():
            torch._foreach_add_(direction, self.weights, alpha=WEIGHT_DECAY)
            if self.weight_optimizer.state:
                buffers = [self.weight_optimizer.state[w]["momentum_buffer"] for w in self.weights]
                torch._foreach_add_(direction, buffers, alpha=MOMENTUM)
            torch._foreach_add_(self.weights, direction, alpha=-LEARNING_RATE)
        sources = [*self.network.alphas, *self.weights]
        found = torch.autograd.grad(self.loss(validation), sources)
        direct, v = found[:2], found[2:]
        radius = 0.01 / torch.linalg.vector_norm(torch.stack(torch._foreach_norm(v))).item()
        sides = []
        for sign in (1, -1):
            with torch.no_grad():
                torch._foreach_copy_(self.weights, kept)
                torch._foreach_add_(self.weights, v, alpha=sign * radius)
            sides.append(torch.autograd.grad(self.loss(train), self.network.alphas))
        with torch.no_grad():
            torch._foreach_copy_(self.weights, kept)
        scale = LEARNING_RATE / (2 * radius)
        return [d - scale * (p - m) for d, p, m in zip(direct, *sides, strict=True)]


class TrainingStep:
    """The weights of a derived network."""

    def __init__(self, network, scope=contextlib.nullcontext):
        self.network = network
        self.forward = network
        self.scope = scope
        self.weights = list(network.parameters())
        self.optimizer = _sgd(self.weights)

    def __call__(self, train, validation):
        del validation
        images, labels = train
        with self.scope():
            losses = [functional.cross_entropy(logits, labels) for logits in self.forward(images)]
        loss = losses[0] + AUXILIARY_WEIGHT * sum(losses[1:])
        _descend(loss, self.weights, self.optimizer)
        return loss.item()


def _sgd(weights):
    return torch.optim.SGD(weights, LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)


def _descend(loss, weights, optimizer):
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(weights, CLIP_NORM)
    optimizer.step()


def measure(arguments) -> Measurement:
    """Runs the steps that the arguments describe."""
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    torch.set_num_threads(arguments.threads or available_cpus())
    device = torch.device(arguments.device)
    step = _make_step(arguments, device)
    weights = sum(w.numel() for w in step.weights)
    _check_weights(arguments, weights)
    layout = getattr(torch, arguments.layout)
    step.network.to(memory_format=layout)
    if arguments.compile:
        step.forward = torch.compile(step.network)
    shape = arguments.batch_size, 3, arguments.image_size, arguments.image_size
    batches = [
        (
            torch.randn(shape).contiguous(memory_format=layout).to(device),
            torch.randint(0, 10, (arguments.batch_size,)).to(device),
        )
        for _ in range(2)
    ]
    stopwatch = Stopwatch(arguments.steps, arguments.warmup, arguments.takes_turns)
    while not stopwatch.finished:
        step(*batches)
        stopwatch.lap()
    return Measurement(
        stopwatch.step_seconds,
        stopwatch.startup_seconds,
        torch.cuda.max_memory_allocated() if device.type == "cuda" else peak_memory(),
        weights,
        _library(arguments, device),
        torch.get_num_threads(),
        turns=stopwatch.turns,
        step_cpu_seconds=stopwatch.step_cpu_seconds,
    )


def _library(arguments, device) -> str:
    said = [f"PyTorch {torch.__version__}", arguments.layout]
    if device.type == "cuda":
        said.append(torch.cuda.get_device_name(device))
    if arguments.precision != "float32":
        said.append(arguments.precision)
    if arguments.compile:
        said.append("torch.compile")
    return ", ".join(said)


def _make_step(arguments, device):
    def scope():
        if arguments.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(device.type, torch.bfloat16)

    if arguments.network:
        genotype = genotypes.get(arguments.network)
        network = DerivedNetwork(genotype, arguments.channels, arguments.cells, arguments.auxiliary)
        return TrainingStep(network.to(device), scope)
    network = Supernet(arguments.channels, arguments.cells).to(device)
    # They are no parameters, so that weight decay and clipping leave them alone.
    network.alphas = [a.detach().to(device).requires_grad_() for a in network.alphas]
    return SearchStep(network, arguments.method == "darts-v2", scope)


def _check_weights(arguments, weights):
    kind = arguments.network or "search"
    expected = EXPECTED_WEIGHTS.get((kind, arguments.channels, arguments.cells))
    if not arguments.auxiliary and kind != "search":
        return
    if expected is not None and weights != expected:
        sys.exit(f"error: the PyTorch network has {weights:,} weights instead of {expected:,}")


def _parse():
    parser = argparse.ArgumentParser(prog="python -m train.peers.pytorch", description=__doc__)
    parser.add_argument("--method", default="darts-v1", choices=["darts-v1", "darts-v2"])
    parser.add_argument("--network", help="the cell of a derived network to train instead")
    parser.add_argument("--auxiliary", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--cells", type=int, default=8)
    parser.add_argument("--batch_size", type=int, default=16)
    parser.add_argument("--image_size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=0, help="0: one for each core")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--takes_turns", type=int, default=1, help="see train.benchmark")
    parser.add_argument("--device", default="cpu", help="such as cuda; default: cpu")
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--compile", action="store_true", help="run it by torch.compile")
    parser.add_argument(
        "--layout", default="channels_last", choices=["channels_last", "contiguous_format"]
    )
    return parser.parse_args()


if __name__ == "__main__":
    print(json.dumps(measure(_parse()).to_dict()))
