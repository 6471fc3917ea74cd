import json
import subprocess
import sys

import pytest

from tests.forks import REPOSITORY


def start(*arguments, before="pass"):
    module = "train.peers.pytorch_recurrent"
    code = f"{before}; import runpy; runpy.run_module('{module}', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
    )


def test_without_pytorch_it_says_what_to_install():
    done = start(before="import sys; sys.modules['torch'] = None")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "pip install -r train/peers/requirements.txt" in done.stderr


class TestWithPyTorch:
    @pytest.fixture(autouse=True)
    def torch(self):
        return pytest.importorskip("torch", reason="PyTorch is not installed; it is optional")

    @pytest.fixture
    def network(self, torch):
        from train.peers.pytorch_recurrent_network import RecurrentSupernet

        torch.manual_seed(0)
        network = RecurrentSupernet(5, 3).double()
        network.alphas = [torch.randn(36, 5).double().requires_grad_()]
        return network

    def test_weights_of_the_paper(self):
        from train.peers.pytorch_recurrent_network import RecurrentSupernet

        network = RecurrentSupernet(10_000, 300)
        assert sum(w.numel() for w in network.parameters()) == 4_810_000

    @pytest.mark.parametrize("method", ["darts-v1", "darts-v2"])
    def test_steps(self, method):
        sizes = ["--units=4", "--vocabulary=7", "--batch_size=3", "--length=5", "--threads=1"]
        done = start(f"--method={method}", *sizes, "--steps=2", "--warmup=0")
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        assert len(result["step_seconds"]) == 2 and result["threads"] == 1

    def test_the_cell_by_its_definition(self, torch, network):
        projected, state = torch.randn(2, 6).double(), torch.randn(2, 3).double()
        mask = torch.tensor([[2.0, 0.0, 1.0], [1.0, 1.0, 2.0]]).double()
        rows = network.alphas[0].softmax(-1)
        functions = {1: torch.tanh, 2: torch.relu, 3: torch.sigmoid, 4: lambda h: h}

        def norm(values):
            centred = values - values.mean(0)
            return centred / (centred.square().mean(0) + 1e-5).sqrt()

        c, h = (projected + (state * mask) @ network.first[3:]).chunk(2, -1)
        states, edge = [norm(state + c.sigmoid() * (h.tanh() - state))], 0
        for kernel in network.kernels:
            node = 0
            for s in states:
                c, h = ((s * mask) @ kernel).chunk(2, -1)
                for o, function in functions.items():
                    node = node + rows[edge, o] * (s + c.sigmoid() * (function(h) - s))
                edge += 1
            states.append(norm(node))
        expected = sum(states[1:]) / 8
        weights = rows[:, 1:].split(tuple(range(1, 9)))
        torch.testing.assert_close(network.cell(projected, state, weights, mask), expected)

    def test_windows_go_on_from_the_state(self, torch, network):
        network.eval()
        tokens = torch.randint(0, 5, (6, 2))
        start = torch.zeros(2, 3).double()
        whole, _, last = network(tokens, start)
        first, _, state = network(tokens[:4], start)
        rest, _, state = network(tokens[4:], state)
        torch.testing.assert_close(torch.cat([first, rest]), whole)
        torch.testing.assert_close(state, last)

    def test_second_order_is_the_unrolled_gradient(self, torch, network, monkeypatch):
        """Of a step whose length and clipping don't depend on the alphas."""
        from train.peers import pytorch_recurrent

        monkeypatch.setattr(pytorch_recurrent, "LEARNING_RATE", 0.5)
        monkeypatch.setattr(pytorch_recurrent, "CLIP_NORM", 1e6)
        network.eval()
        # A central difference is exact where nothing has a kink.
        network.alphas[0].data[:, 2] = -40.0
        step = pytorch_recurrent.RecurrentSearchStep(network, True, 2)
        step.states = dict.fromkeys(step.states, torch.randn(2, 3).double())
        batches = [tuple(torch.randint(0, 5, (4, 2)) for _ in range(2)) for _ in range(2)]
        before = [w.detach().clone() for w in step.weights]
        found, state = step.unrolled(*batches)
        for w, old in zip(step.weights, before, strict=True):
            assert torch.equal(w, old)
        assert not state.requires_grad

        loss, _ = step.loss(batches[0], step.states["train"], 1e-3)
        gradients = torch.autograd.grad(loss, step.weights, create_graph=True)
        names = [name for name, _ in network.named_parameters()]
        moved = {
            name: w - 0.5 * (g + 5e-7 * w)
            for name, w, g in zip(names, step.weights, gradients, strict=True)
        }
        logits, _, _ = torch.func.functional_call(
            network, moved, (batches[1][0], step.states["validation"])
        )
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batches[1][1].flatten())
        (exact,) = torch.autograd.grad(loss, network.alphas, retain_graph=True)
        torch.testing.assert_close(found[0], exact, rtol=1e-3, atol=1e-7)
        loss, _ = step.loss(batches[1], step.states["validation"])
        (first,) = torch.autograd.grad(loss, network.alphas)
        assert (first - exact).abs().max() > 0.01 * exact.abs().max()
