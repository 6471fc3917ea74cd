import json

import pytest

from darts_tf.common.errors import UserError
from tests.train.programs import assert_refused, start, start_all
from train import benchmark
from train.benchmark_flags import CONFIGURATION, BenchmarkConfig
from train.peers import commands

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
    "peer's stem": (["--peer=pytorch", "--stem=imagenet"], ["has the stem cifar, not imagenet"]),
    "flag of texts": (["--bptt=3"], ["--bptt has no meaning for --task=image_classification"]),
    "peer's Python": (["--peer=pytorch", "--peer_python=/no/python"], ["--peer_python=/no/python"]),
    "lower and grid": (["--lower=/proc/x", "--grid"], ["--lower and --grid exclude"]),
    "lower and estimate": (["--lower=/proc/x", "--estimate"], ["--lower and --estimate exclude"]),
    "lower's warm-up": (["--lower=/proc/x"], ["--warmup has no meaning with --lower"]),
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


@pytest.mark.parametrize(
    "words, reason",
    [
        (["--peer=pytorch", "--method=gdas"], "darts-v2, not gdas"),
        (["--peer=pytorch", "--space=two_input_rnn"], "space darts_rnn, not two_input_rnn"),
        (["--recompute"], "--recompute has no meaning for --task=language_model"),
        (["--space=darts_cnn"], "'darts_cnn' has convolutional cells"),
        (["--grid", "--output_dir=/proc/x", "--bptt=3"], "--grid chooses --bptt itself"),
    ],
)
def test_bad_flags_of_texts(words, reason):
    with pytest.raises(UserError, match=reason):
        benchmark.main(BenchmarkConfig.from_words(["--task=language_model", *words]))


def test_the_peer_of_texts():
    words = ["--task=language_model", "--peer=pytorch", "--method=darts-v2", "--threads=1"]
    config = BenchmarkConfig.from_words([*words, "--channels=8", "--bptt=5"]).of_task()
    peer = commands.pytorch_recurrent(config.values(CONFIGURATION), "python", {})
    assert peer.command[:3] == ["python", "-m", "train.peers.pytorch_recurrent"]
    sizes = ["--batch_size=64", "--length=5", "--units=8", "--vocabulary=10000"]
    others = ["--method=darts-v2", "--steps=10", "--threads=1", "--warmup=2"]
    assert sorted(peer.command[3:]) == sorted([*sizes, *others])


def test_goals_about_texts_know_no_sizes_of_images():
    config = BenchmarkConfig.from_words(["--goals", "--cells=5", "--threads=1", "--bptt=9"])
    assert config.without_other_tasks("language_model").given == {"threads", "bptt"}
    assert config.without_other_tasks("image_classification").given == {"goals", "cells", "threads"}


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
