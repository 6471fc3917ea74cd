#!/usr/bin/env bash
# PyTorch 2.14.1: torch.utils.flop_counter.FlopCounterMode counts the backward pass of a grouped
# convolution as if its kernel's gradient had no groups: with C channels, a depthwise convolution's
# backward pass is C + 1 times its forward pass instead of twice. The forward pass is right, and so is
# the backward pass of the very same convolution written as one convolution a group, by the same counter.
# Transposed convolutions have it too. Nothing is said, and ungrouped networks are right, so that the
# counts of a training step rank architectures the wrong way round: separable ones, which a search under
# a budget of operations is after, look the dearest to train.
#
# Seen (torchvision 0.29.1, numpy 2.4.6), backward by forward pass: depthwise of 32 channels 33.0, in parts
# 2.0; one image of 224 x 224: ResNet-18 1.93, MobileNetV2 19.4, MNASNet 35.4, EfficientNet-B0 40.7, whose
# training step is then 32.2e9 operations, more than the 10.6e9 of ResNet-18; it is about 2.3e9.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
import torchvision
from torch.utils.flop_counter import FlopCounterMode

print("torch", torch.__version__, "torchvision", torchvision.__version__)


class InParts(torch.nn.Module):
    """The grouped convolution `whole` as an ungrouped one for each group: the same function."""

    def __init__(self, whole):
        super().__init__()
        self.whole = whole

    def forward(self, x):
        convolve = torch.conv_transpose2d if self.whole.transposed else torch.conv2d
        groups = self.whole.groups
        parts = zip(x.chunk(groups, 1), self.whole.weight.chunk(groups, 0))
        return torch.cat([convolve(x, weight, None, 1, 1) for x, weight in parts], 1)


def counted(model, x):
    """Operations of the forward and of the backward pass; what they compute."""
    with FlopCounterMode(display=False) as forward:
        y = model(x)
    with FlopCounterMode(display=False) as backward:
        y.square().sum().backward()
    gradients = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    return forward.get_total_flops(), backward.get_total_flops(), [y, *gradients]


channels, size = 32, 16
x = torch.randn(2, channels, size, size, requires_grad=True)
for kind in (torch.nn.Conv2d, torch.nn.ConvTranspose2d):
    for groups in (1, 2, channels):
        whole = kind(channels, channels, 3, padding=1, groups=groups, bias=False)
        forward, backward, found = counted(whole, x)
        forward_parts, backward_parts, found_parts = counted(InParts(whole), x)
        for one, other in zip(found, found_parts):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)
        right = 2 * 2 * channels * (channels // groups) * 9 * size * size  # two images
        print(
            f"{kind.__name__}, {groups} groups: forward {forward}, backward {backward / forward:.1f} times that;"
            f" in parts {forward_parts} and {backward_parts / forward_parts:.1f}"
        )
        assert forward == forward_parts == right, "changed: the forward pass"
        assert backward_parts == 2 * right, "changed: the parts"
        assert backward == (1 + groups) * right, "changed: groups are taken into account"

steps = {}
for name in ("resnet18", "mobilenet_v2", "mnasnet1_0", "efficientnet_b0"):
    forward, backward, _ = counted(getattr(torchvision.models, name)(), torch.randn(1, 3, 224, 224))
    steps[name] = forward, backward
    print(f"{name}: forward {forward / 1e9:.2f}e9, backward {backward / 1e9:.2f}e9, {backward / forward:.2f} times")
assert steps["resnet18"][1] < 2 * steps["resnet18"][0]
assert steps["efficientnet_b0"][1] > 40 * steps["efficientnet_b0"][0], "changed: EfficientNet-B0"
assert sum(steps["efficientnet_b0"]) > 3 * sum(steps["resnet18"]), "changed: the order"
print("as described")
PYTHON
