#!/usr/bin/env bash
# nni 2.10: DartsTrainer(unrolled=True) is no second-order DARTS. Its virtual step assigns to a local
# name and moves no weight, so that the validation loss is taken at w and not at w' = w - lr dL_train;
# and model.parameters(), along which it moves for the Hessian product, holds the alphas too.
#
# Seen (torch 2.14.1, pytorch-lightning 2.6.6), one choice between two operations of one weight,
# lr 0.5, no momentum, no decay: the weights in the validation pass are those from before, and the
# gradient of the first alpha is 0.4915 where the unrolled step, differentiated by autograd, has 1.9864
# (central differences agree); 0.4915 is what the formula gives without the step and with alphas moved.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nni==2.10 torch==2.14.1 \
  pytorch-lightning==2.6.6 torchmetrics==1.9.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata

import nni.retiarii.nn.pytorch as searchable
import torch
from nni.retiarii.oneshot.pytorch import DartsTrainer

print("nni", importlib.metadata.version("nni"), "torch", torch.__version__)
RATE, ALPHAS, WEIGHTS = 0.5, [0.2, -0.4], [0.5, -0.3]
TRAIN, VALIDATION = (1.0, 2.0), (1.5, -1.0)  # input and target


def tensor(values, **kwargs):
    return torch.tensor(values, dtype=torch.float64, **kwargs)


class Scale(torch.nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.weight = torch.nn.Parameter(tensor([weight]))

    def forward(self, x):
        return self.weight * x


class Shift(Scale):
    def forward(self, x):
        return x + self.weight


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        operations = [Scale(WEIGHTS[0]), Shift(WEIGHTS[1])]
        self.choice = searchable.LayerChoice(operations, label="choice")

    def forward(self, x):
        return self.choice(x)


def squared(prediction, target):
    return ((prediction - target) ** 2).mean()


def of_trainer():
    """The gradient of the alphas, and the weights at each forward pass."""
    network = Network()
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=0.0, weight_decay=0.0)
    trainer = DartsTrainer(
        *(network, squared, lambda *_: {}, optimizer),
        num_epochs=1, dataset=[TRAIN] * 2, batch_size=1, workers=0, device="cpu", unrolled=True,
    )
    ((_, module),) = trainer.nas_modules
    module.alpha.data = tensor(ALPHAS)
    passes = []
    network.register_forward_pre_hook(
        lambda *_: passes.append([p.item() for n, p in network.named_parameters() if "weight" in n])
    )
    # What fit() calls in its architecture step.
    trainer._unrolled_backward(*(tensor([value]) for value in TRAIN + VALIDATION))
    return module.alpha.grad, passes


def loss(alphas, weights, example):
    mixed = torch.softmax(alphas, 0)
    x, target = example
    return squared(mixed[0] * weights[0] * x + mixed[1] * (x + weights[1]), target)


def unrolled(alphas):
    """The validation loss after a step of gradient descent on the training loss."""
    weights = tensor(WEIGHTS, requires_grad=True)
    (gradient,) = torch.autograd.grad(
        loss(alphas, weights, TRAIN), weights, create_graph=True
    )
    return loss(alphas, weights - RATE * gradient, VALIDATION)


found, passes = of_trainer()
alphas = tensor(ALPHAS, requires_grad=True)
(exact,) = torch.autograd.grad(unrolled(alphas), alphas)
size = tensor([1e-5, 0.0])
difference = (unrolled(tensor(ALPHAS) + size) - unrolled(tensor(ALPHAS) - size)).item() / 2e-5
print("weights of the training pass  ", passes[0])
print("weights of the validation pass", passes[1])
print(f"gradient of the first alpha {found[0]:.4f}; exact {exact[0]:.4f}, differences {difference:.4f}")
assert passes[1] == passes[0] == WEIGHTS, "changed: the virtual step moves the weights"
assert abs(exact[0].item() - difference) < 1e-6
assert abs(found[0].item() - 0.4915) < 1e-3, "changed: another gradient"
assert abs(exact[0].item() - 1.9864) < 1e-3
print("as described")
PYTHON
