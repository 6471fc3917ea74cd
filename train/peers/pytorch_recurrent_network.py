"""The recurrent supernet of DARTS in PyTorch.

Written from the definition (Liu, Simonyan, Yang, DARTS, ICLR 2019, section 3.1.2 and appendix
A.2.1), as a PyTorch user would who wants it quick, for the benchmark only.
"""

import torch
from torch import nn
from torch.nn import functional

CANDIDATES = ("none", "tanh", "relu", "sigmoid", "identity")
NODES = 8
#: Of the embedding's units, the cell's inputs, its states, and the outputs.
DROPOUT_INPUT, DROPOUT_CELL, DROPOUT_STATE, DROPOUT_OUTPUT = 0.2, 0.75, 0.25, 0.75
_START_EMBEDDING, _START = 0.1, 0.04


def mask_like(values, rate):
    """A scaled mask `[batch, units]`, for all steps of `[time, batch, units]`."""
    return torch.empty_like(values[0]).bernoulli_(1 - rate) / (1 - rate)


class RecurrentSupernet(nn.Module):
    """Embedding, the relaxed cell over time, and the embedding's matrix as decoder.

    Args:
        vocabulary: number of words.
        units: of the embedding and of all states.
    """

    def __init__(self, vocabulary, units):
        super().__init__()

        def start(scale, *shape):
            return nn.Parameter(torch.empty(*shape).uniform_(-scale, scale))

        self.units = units
        self.embedding = start(_START_EMBEDDING, vocabulary, units)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.first = start(_START, 2 * units, 2 * units)
        self.kernels = nn.ParameterList(start(_START, units, 2 * units) for _ in range(NODES))
        self.norms = nn.ModuleList(nn.BatchNorm1d(units, affine=False) for _ in range(NODES + 1))
        edges = NODES * (NODES + 1) // 2
        self.alphas = [(1e-3 * torch.randn(edges, len(CANDIDATES))).requires_grad_()]

    def forward(self, tokens, state):
        """One window of a text.

        Args:
            tokens: `[time, batch]`.
            state: `[batch, units]`.

        Returns:
            Logits `[time, batch, vocabulary]`, the outputs before dropout `[time, batch, units]`,
            and the last of them.
        """
        vectors = functional.embedding(tokens, self.embedding)
        mask = None
        if self.training:
            for rate in (DROPOUT_INPUT, DROPOUT_CELL):
                vectors = vectors * mask_like(vectors, rate)
            mask = mask_like(vectors, DROPOUT_STATE)
        # The part of all steps that does not wait for the state.
        projected = vectors @ self.first[: self.units]
        weights = self.alphas[0].softmax(-1)[:, 1:].split(tuple(range(1, NODES + 1)))
        outputs = []
        for step in projected:
            state = self.cell(step, state, weights, mask)
            outputs.append(state)
        outputs = torch.stack(outputs)
        dropped = outputs * mask_like(outputs, DROPOUT_OUTPUT) if self.training else outputs
        return dropped @ self.embedding.t() + self.bias, outputs, state

    def cell(self, projected, state, weights, mask):
        """One step; all edges into a node by one product, their operations added up first."""
        masked = state if mask is None else state * mask
        c, h = (projected + masked @ self.first[self.units :]).chunk(2, -1)
        states = self.norms[0](torch.lerp(state, h.tanh(), c.sigmoid())).unsqueeze(0)
        for kernel, rows, norm in zip(self.kernels, weights, self.norms[1:], strict=True):
            c, h = ((states if mask is None else states * mask) @ kernel).chunk(2, -1)
            tanh, relu, sigmoid, identity = rows.t()[..., None, None]
            mixed = tanh * h.tanh() + relu * h.relu() + sigmoid * h.sigmoid() + identity * h
            kept = rows.sum(-1)[:, None, None] * states
            node = norm(torch.lerp(kept, mixed, c.sigmoid()).sum(0))
            states = torch.cat([states, node.unsqueeze(0)])
        return states[1:].mean(0)
