import json
import subprocess
import sys

import pytest

from tests.forks import REPOSITORY
from train.peers import commands

SETTINGS = {
    "method": "darts-v2",
    "space": "darts_cnn",
    "network": None,
    "auxiliary": True,
    "channels": 2,
    "cells": 3,
    "batch_size": 2,
    "image_size": 8,
    "threads": 1,
    "steps": 2,
    "warmup": 0,
}


def start(*arguments, before="pass"):
    code = f"{before}; import runpy; runpy.run_module('train.peers.pytorch', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
    )


class TestCommand:
    def test_search(self):
        command = commands.pytorch(SETTINGS, "python", {}).command
        assert command[:3] == ["python", "-m", "train.peers.pytorch"]
        assert {"--method=darts-v2", "--cells=3", "--threads=1"} <= set(command)
        assert not [word for word in command if word.startswith("--network")]

    def test_network(self):
        settings = {**SETTINGS, "network": "DARTS_V2", "method": "gdas", "auxiliary": False}
        command = commands.pytorch(settings, "python", {}, "contiguous_format").command
        assert {"--network=DARTS_V2", "--no-auxiliary"} <= set(command)
        assert command[-1] == "--layout=contiguous_format"

    def test_more_words(self):
        """Those that `scripts/compare_on_gpu.py` adds come last, so that they count."""
        command = commands.pytorch(SETTINGS, "python", {}, more=["--device=cuda"]).command
        assert command[-2:] == ["--layout=channels_last", "--device=cuda"]

    def test_the_faster_layout(self, monkeypatch):
        seconds = {"channels_last": 3.0, "contiguous_format": 2.0}

        def run(configuration):
            from darts_tf.benchmark.measurement import Measurement

            layout = next(w for w in configuration.command if w.startswith("--layout="))
            return Measurement([seconds[layout.removeprefix("--layout=")]], 1.0, 1, 1, "none", 1)

        monkeypatch.setattr(commands.comparison, "run", run)
        lines = []
        chosen = commands.in_faster_layout(
            lambda layout: commands.pytorch(SETTINGS, "python", {}, layout), lines.append
        )
        assert chosen.command[-1] == "--layout=contiguous_format" and len(lines) == 2


def test_without_pytorch_it_says_what_to_install():
    done = start(before="import sys; sys.modules['torch'] = None")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "pip install -r train/peers/requirements.txt" in done.stderr


class TestWithPyTorch:
    @pytest.fixture(autouse=True)
    def torch(self):
        return pytest.importorskip("torch", reason="PyTorch is not installed; it is optional")

    def test_weights_of_the_paper(self):
        from darts_tf import genotypes
        from train.peers.pytorch_networks import DerivedNetwork, Supernet

        def count(network):
            return sum(w.numel() for w in network.parameters())

        assert count(Supernet(16, 8)) == 1_930_618
        cell = genotypes.get("DARTS_V2")
        assert count(DerivedNetwork(cell, 36, 20, auxiliary=True)) == 3_825_768
        assert count(DerivedNetwork(cell, 36, 20, auxiliary=False)) == 3_349_342

    @pytest.mark.parametrize(
        "flags", [["--method=darts-v2"], ["--network=DARTS_V2", "--no-auxiliary"]]
    )
    def test_steps(self, flags):
        sizes = ["--channels=2", "--cells=3", "--batch_size=2", "--image_size=8", "--threads=1"]
        done = start(*flags, *sizes, "--steps=2", "--warmup=0")
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        assert len(result["step_seconds"]) == 2 and result["threads"] == 1

    def test_second_order_is_the_unrolled_gradient(self, torch):
        """Against the difference of L_val after a real step, on smooth activations."""
        from train.peers.pytorch import SearchStep

        class Problem(torch.nn.Module):
            """Logits that depend on both, smoothly; twice differentiable."""

            def __init__(self):
                super().__init__()
                self.w = torch.nn.Parameter(torch.tensor([[0.3, -0.2], [0.5, 0.1]]))
                self.alphas = [torch.tensor([0.4, -0.7]).requires_grad_() for _ in range(2)]

            def forward(self, x):
                return torch.tanh(x @ (self.w * self.alphas[0].softmax(-1))) * self.alphas[1]

        torch.manual_seed(0)
        network = Problem().double()
        network.alphas = [a.detach().double().requires_grad_() for a in network.alphas]
        batches = [(torch.randn(8, 2).double(), torch.randint(0, 2, (8,))) for _ in range(2)]
        step = SearchStep(network, second_order=True)
        before = network.w.detach().clone()
        found = step.unrolled(*batches)
        assert torch.equal(network.w, before)

        (g,) = torch.autograd.grad(step.loss(batches[0]), [network.w], create_graph=True)
        moved = network.w - 0.025 * (g + 3e-4 * network.w)
        loss = torch.nn.functional.cross_entropy(
            torch.func.functional_call(network, {"w": moved}, batches[1][0]), batches[1][1]
        )
        exact = torch.autograd.grad(loss, network.alphas)
        first = torch.autograd.grad(step.loss(batches[1]), network.alphas)
        for f, e, o in zip(found, exact, first, strict=True):
            torch.testing.assert_close(f, e, rtol=1e-4, atol=1e-7)
            assert (o - e).abs().max() > 1e-3 * e.abs().max()
