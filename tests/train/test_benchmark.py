import json

import pytest

from tests.train.programs import assert_refused, start, start_all

TINY = ["--channels=2", "--cells=3", "--image_size=8", "--batch_size=2", "--steps=1", "--warmup=0"]

BAD_FLAGS = {
    "method": (["--method=darts"], ["--method=darts", "darts-v1"]),
    "space": (["--space=nasnet"], ["--space=nasnet"]),
    "no flag": (["darts-v1"], ["unexpected argument 'darts-v1'"]),
    "steps": (["--steps=0"], ["--steps=0"]),
    "cell": (["--network=DARTS_V9"], ["DARTS_V9", "DARTS_V2"]),
    "nothing to compare": (["--compare="], ["expected flags of a configuration"]),
    "no flag to compare": (["--compare=batched"], ["got batched"]),
    "unknown flag to compare": (["--compare=--batch=3"], ["Unknown command line flag 'batch'"]),
    "value to compare": (["--compare=--cells=2"], ["--cells=2"]),
    "runs to compare": (["--compare=--runs=3"], ["got --runs"]),
    "quote": (["--compare=--cells='3"], ["No closing quotation"]),
    "twice": (["--compare=--cells=4", "--compare=--cells=4"], ["are the same"]),
    "gradients": (["--gradients", "--compare=--cells=4"], ["--gradients and --compare exclude"]),
    "goals and compare": (["--goals", "--compare=--cells=4"], ["--goals and --compare exclude"]),
    "goals alone": (["--goals"], ["add --peer=pytorch"]),
    "grid and peer": (["--grid", "--peer=pytorch"], ["--grid and --peer exclude"]),
    "grid's folder": (["--grid"], ["--output_dir is missing"]),
    "grid's sizes": (["--grid", "--output_dir=/proc/x"], ["--grid chooses --channels itself"]),
    "peer": (["--peer=jax"], ["--peer=jax"]),
    "peer's method": (["--peer=pytorch", "--method=one-level"], ["darts-v2, not one-level"]),
    "peer's Python": (["--peer=pytorch", "--peer_python=/no/python"], ["--peer_python=/no/python"]),
    "estimate": (["--estimate", "--network=DARTS_V2"], ["--estimate is for a search"]),
    "turns alone": (["--turns=2"], ["--turns is for --compare"]),
    "no one gives turns": (
        ["--takes_turns=2", "--network=DARTS_V2", "--noauxiliary"],
        ["--takes_turns", "leave it out"],
    ),
    "network": (["--gradients", "--network=DARTS_V2"], ["--gradients and --network exclude"]),
}


@pytest.fixture(scope="module")
def refused():
    return start_all(
        "train.benchmark", {name: [*TINY, *bad] for name, (bad, _) in BAD_FLAGS.items()}
    )


@pytest.mark.parametrize("name", BAD_FLAGS)
def test_bad_flags(refused, name):
    assert_refused(refused[name], *BAD_FLAGS[name][1])


@pytest.mark.slow
def test_compare():
    """Two configurations in processes of their own."""
    flags = [*TINY, "--network=DARTS_V2", "--noauxiliary", "--runs=1", "--turns=2", "--json"]
    done = start("train.benchmark", *flags, "--compare=--cells=4 --batch_size=1")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert list(result["configurations"]) == ["these flags", "--cells=4 --batch_size=1"]
    assert result["reference"] == "these flags"
    assert {"--network=DARTS_V2", "--noauxiliary", "--cells=3"} <= set(result["flags"])
    first, second = result["configurations"].values()
    assert first["runs"][0]["weights"] < second["runs"][0]["weights"]
    assert len(first["runs"][0]["step_seconds"]) == first["runs"][0]["turns"] == 2
    ratio = second["ratio_to_reference"]["startup_seconds"]["median"]
    assert ratio == pytest.approx(
        second["runs"][0]["startup_seconds"] / first["runs"][0]["startup_seconds"]
    )
    assert done.stderr.count("run 1 of 1, ") == 2
