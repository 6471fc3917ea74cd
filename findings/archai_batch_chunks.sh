#!/usr/bin/env bash
# archai 1.0.0: BilevelOptimizer(batch_chunks=N) is there so that a batch fits into memory in parts. Each
# part writes the gradient of the alphas anew instead of adding to it, so that the alphas move by the
# last part alone and all other examples of the batch are computed and thrown away; nothing is said.
#
# Seen (torch 2.14.1), one weight times one alpha, two examples, plain SGD of rate 1 on the alpha: in one
# chunk they move it by -2.0 or -1.25, the mean over both, according to what the first one is; in two
# chunks by -1.0 whatever the first one is, which is what the second example moves it by alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 torchvision==0.29.1 \
  numpy==2.4.6 scipy==1.17.1 statopt==0.2 pyyaml==6.0.4 overrides==3.1.0
# Of its other requirements (ray, onnx, tensorwatch ...) the optimizer imports none.
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps archai==1.0.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata

import torch
from archai.supergraph.algos.darts.bilevel_optimizer import BilevelOptimizer

print("archai", importlib.metadata.version("archai"), "torch", torch.__version__)
SECOND = (2.0, 0.5)  # input and target


class Supernet(torch.nn.Module):
    """alpha * weight * x, with the two calls by which archai asks a model for its alphas."""

    def __init__(self):
        super().__init__()
        self.alpha = torch.nn.Parameter(torch.tensor([0.5], dtype=torch.float64))
        self.weight = torch.nn.Parameter(torch.tensor([1.0], dtype=torch.float64))

    def forward(self, x):
        return self.alpha * self.weight * x, None

    def all_owned(self):
        return self

    def param_by_kind(self, kind):
        assert kind == "alphas"
        return [self.alpha]


def half_square(output, target):
    return 0.5 * torch.mean((output - target) ** 2)


def movement(examples, chunks):
    """By how much a step moves the alpha, with a rate of the weights of 0: plain first order."""
    model = Supernet()
    steps = torch.optim.SGD([model.weight], lr=0.0)
    sgd = {"type": "sgd", "lr": 1.0, "decay": 0.0, "momentum": 0.0, "nesterov": False}
    optimizer = BilevelOptimizer(sgd, 0.0, 0.0, model, half_square, torch.device("cpu"), chunks)
    x, y = torch.tensor(examples, dtype=torch.float64).T
    optimizer.step(x, y, x, y, steps)
    return round(model.alpha.item() - 0.5, 4)


# d/dalpha of 0.5 (alpha x - y)^2 is (alpha x - y) x.
def expected(examples):
    return round(-sum((0.5 * x - y) * x for x, y in examples) / len(examples), 4)


for first in ((-1.0, 2.5), (3.0, 1.0)):
    whole, parts, alone = (
        movement([first, SECOND], 1),
        movement([first, SECOND], 2),
        movement([SECOND], 1),
    )
    print(f"first example {first}: one chunk {whole}, two chunks {parts}, second example alone {alone}")
    assert whole == expected([first, SECOND]) != parts, "one chunk is the mean"
    assert parts == alone == expected([SECOND]), "two chunks are the last one"
print("as stated")
PYTHON
