from types import SimpleNamespace

import pytest

from train.auto_progress import Progress

BEST = SimpleNamespace(best=SimpleNamespace(number=4))


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            {"candidate": 1, "steps": 80, "accuracy": 0.5},
            "candidate 2, 80 steps  validation accuracy 0.5000  3.0 s; the best is candidate 5, "
            "50 s left\n",
        ),
        (
            {"supernet": "drnas", "epoch": 2, "supernet_accuracy": 0.25},
            "supernet drnas, epoch 2  validation accuracy 0.2500  3.0 s; 50 s left\n",
        ),
        (
            {"candidate": 1, "refused": "latency_ms", "costs": {"latency_ms": 6.5}},
            "candidate 2 has 6.5 latency ms and is not trained  3.0 s; 50 s left\n",
        ),
        ({"begun": True}, ""),
    ],
)
def test_lines(record, line, capsys):
    config = SimpleNamespace(budget="1m", budget_of="processor")
    record = record | {"seconds": 3.0, "spent": 10.0}
    Progress(config)(record, BEST)
    assert capsys.readouterr().out == line
    config.budget_of = "reference"
    Progress(config, "random cells")(record, BEST)
    said = capsys.readouterr().out
    assert said == (line and f"random cells: {line}".replace("s left", "s of reference work left"))
