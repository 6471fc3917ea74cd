"""The networks of DARTS in PyTorch: the supernet and the derived network.

Written from the definition (Liu, Simonyan, Yang, DARTS, ICLR 2019, section 3.1.1 and appendix A),
as a PyTorch user would, for the benchmark only.
"""

import torch
from torch import nn
from torch.nn import functional

CANDIDATES = (
    *("none", "max_pool_3x3", "avg_pool_3x3", "skip_connect"),
    *("sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"),
)
NODES = 4


def norm(channels, affine):
    """Batch normalisation with or without scale and offset."""
    return nn.BatchNorm2d(channels, affine=affine)


def relu_conv_norm(inputs, outputs, affine):
    """ReLU, 1x1 convolution, normalisation: how a cell preprocesses an input."""
    return nn.Sequential(
        nn.ReLU(), nn.Conv2d(inputs, outputs, 1, bias=False), norm(outputs, affine)
    )


def separable(channels, size, stride, affine, dilation=1, first=True):
    """ReLU, depthwise, 1x1, normalisation; a ReLU that nobody else reads works in place."""
    return nn.Sequential(
        nn.ReLU(inplace=not first),
        nn.Conv2d(
            *(channels, channels, size, stride),
            padding=dilation * (size // 2),
            dilation=dilation,
            groups=channels,
            bias=False,
        ),
        nn.Conv2d(channels, channels, 1, bias=False),
        norm(channels, affine),
    )


class HalveSize(nn.Module):
    """The reduction of a skip connection: even pixels and odd ones, half of the channels each."""

    def __init__(self, inputs, outputs, affine):
        super().__init__()
        self.even = nn.Conv2d(inputs, outputs // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(inputs, outputs - outputs // 2, 1, stride=2, bias=False)
        self.norm = norm(outputs, affine)

    def forward(self, images):
        images = functional.relu(images)
        halves = self.even(images), self.odd(images[:, :, 1:, 1:])
        return self.norm(torch.cat(halves, 1))


def operation(name, channels, stride, affine):
    """A candidate operation; None for `none`, which adds nothing."""
    if name == "none":
        return None
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else HalveSize(channels, channels, affine)
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, padding=1)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
    kind, _, size = name.split("_")
    size = int(size[0])
    if kind == "dil":
        return separable(channels, size, stride, affine, dilation=2)
    return nn.Sequential(
        separable(channels, size, stride, affine),
        separable(channels, size, 1, affine, first=False),
    )


class MixedEdge(nn.Module):
    """All candidates of an edge, weighted and summed."""

    def __init__(self, channels, stride):
        super().__init__()
        self.candidates = nn.ModuleDict()
        for name in CANDIDATES[1:]:
            candidate = operation(name, channels, stride, affine=False)
            if "pool" in name:
                candidate = nn.Sequential(candidate, norm(channels, False))
            self.candidates[name] = candidate

    def forward(self, images, weights):
        terms = zip(weights[1:], self.candidates.values(), strict=True)
        return sum(weight * candidate(images) for weight, candidate in terms)


class Cell(nn.Module):
    """The base of relaxed and discrete cells: the two inputs and where the edges stride."""

    def __init__(self, before, last, channels, reduction, reduction_before, affine):
        super().__init__()
        first = HalveSize if reduction_before else relu_conv_norm
        self.reduction = reduction
        self.preprocess = nn.ModuleList(
            [first(before, channels, affine), relu_conv_norm(last, channels, affine)]
        )

    def stride(self, source):
        return 2 if self.reduction and source < 2 else 1

    def states(self, before, last):
        return [layer(x) for layer, x in zip(self.preprocess, (before, last), strict=True)]


class MixedCell(Cell):
    """A cell of the supernet."""

    def __init__(self, before, last, channels, reduction, reduction_before):
        super().__init__(before, last, channels, reduction, reduction_before, affine=False)
        self.edges = nn.ModuleList(
            MixedEdge(channels, self.stride(source))
            for node in range(NODES)
            for source in range(2 + node)
        )

    def forward(self, before, last, weights):
        states = self.states(before, last)
        edges = iter(zip(self.edges, weights, strict=True))
        for _ in range(NODES):
            states.append(sum(edge(x, w) for x, (edge, w) in zip(list(states), edges)))  # noqa: B905
        return torch.cat(states[2:], 1)


class DiscreteCell(Cell):
    """A cell of the derived network."""

    def __init__(self, genotype, before, last, channels, reduction, reduction_before):
        super().__init__(before, last, channels, reduction, reduction_before, affine=True)
        self.genotype = genotype
        self.layers = nn.ModuleList(
            operation(edge.operation, channels, self.stride(edge.source), affine=True)
            for edge in genotype.edges
        )

    def forward(self, before, last):
        states = self.states(before, last)
        layers = iter(self.layers)
        for node in self.genotype.nodes:
            states.append(sum(next(layers)(states[edge.source]) for edge in node))
        return torch.cat([states[i] for i in self.genotype.concat], 1)


class Network(nn.Module):
    """Stem, cells of which two reduce, pooling and a classifier.

    Args:
        make_cell: `(kind, inputs before, inputs, channels, reduction, reduction before)` -> cell.
        width: states that a cell of a kind ("normal" or "reduce") concatenates.
    """

    def __init__(self, make_cell, width, channels, cells, classes=10):
        super().__init__()
        self.reductions = cells // 3, 2 * cells // 3
        self.stem = nn.Sequential(
            nn.Conv2d(3, 3 * channels, 3, padding=1, bias=False), nn.BatchNorm2d(3 * channels)
        )
        before = last = 3 * channels
        self.cells = nn.ModuleList()
        for i in range(cells):
            reduction = i in self.reductions
            kind = "reduce" if reduction else "normal"
            channels *= 2 if reduction else 1
            cell = make_cell(kind, before, last, channels, reduction, i - 1 in self.reductions)
            before, last = last, channels * width(kind)
            self.cells.append(cell)
            if i == self.reductions[1]:
                self.side_channels = last
        self.classifier = nn.Linear(last, classes)

    def run_cells(self, images, *weights):
        """The classifier's logits, and the output of the second reduction cell."""
        before = last = self.stem(images)
        for i, cell in enumerate(self.cells):
            own = [weights[i in self.reductions]] if weights else []
            before, last = last, cell(before, last, *own)
            if i == self.reductions[1]:
                side = last
        return self.classifier(last.mean((2, 3))), side


class Supernet(Network):
    """The relaxed network; `alphas` are those of the normal and of the reduction cells."""

    def __init__(self, channels, cells):
        super().__init__(
            lambda kind, *arguments: MixedCell(*arguments), lambda kind: NODES, channels, cells
        )
        shape = sum(2 + node for node in range(NODES)), len(CANDIDATES)
        self.alphas = [(1e-3 * torch.randn(shape)).requires_grad_() for _ in range(2)]

    def forward(self, images):
        return self.run_cells(images, *(alpha.softmax(-1) for alpha in self.alphas))[0]


class DerivedNetwork(Network):
    """The network of a genotype; with an auxiliary head it returns two sets of logits."""

    def __init__(self, genotype, channels, cells, auxiliary, classes=10):
        super().__init__(
            lambda kind, *arguments: DiscreteCell(genotype[kind], *arguments),
            lambda kind: len(genotype[kind].concat),
            channels,
            cells,
        )
        self.auxiliary = None
        if auxiliary:
            self.auxiliary = nn.Sequential(
                nn.ReLU(),
                nn.AvgPool2d(5, stride=3),
                nn.Conv2d(self.side_channels, 128, 1, bias=False),
                nn.BatchNorm2d(128),
                nn.ReLU(inplace=True),
                nn.Conv2d(128, 768, 2, bias=False),
                nn.BatchNorm2d(768),
                nn.ReLU(inplace=True),
                nn.Flatten(),
                nn.Linear(768, classes),
            )

    def forward(self, images):
        logits, side = self.run_cells(images)
        return [logits] if self.auxiliary is None else [logits, self.auxiliary(side)]
