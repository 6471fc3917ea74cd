"""Several replicas compute what one does. Each number of devices needs processes of its own."""

import functools
import json
import socket
import time

import numpy as np
import pytest
import tensorflow as tf

from darts_tf.benchmark import communication
from darts_tf.common.errors import UserError
from darts_tf.runtime import distribution
from tests import forks, replicas, streams


def start(folder, *names, environment=None, **options):
    """Starts `tests.replicas.run`; what it prints goes to the file `log` in the folder."""
    folder.mkdir(exist_ok=True, parents=True)
    run = functools.partial(replicas.run, folder / "out", *names, **options)
    return forks.start(run, log=folder / "log", environment=environment)


def start_workers(folder, *names, **options):
    """Starts two workers of one cluster."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    configs = [{"cluster": cluster, "task": {"type": "worker", "index": i}} for i in range(2)]
    return [
        start(folder / str(i), *names, environment={"TF_CONFIG": json.dumps(config)}, **options)
        for i, config in enumerate(configs)
    ]


def result(process, folder):
    """The result of a process; fails with its log if it did not succeed."""
    process.join(timeout=400)
    assert process.exitcode == 0, (folder / "log").read_text()[-3000:]
    with np.load(folder / "out") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def one_and_two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replicas")
    what = ("hypergradients", "search", "exact_search", "examples_seen", "random_numbers")
    what += ("moving_statistics", "masked_stream", "columns_seen", "recurrent")
    return _on_one_and_two(folder, what)


@pytest.fixture(scope="module")
def searched_by_one_and_two(tmp_path_factory):
    what = ("recurrent_search", "growth", "growing_search", "transferability")
    return _on_one_and_two(tmp_path_factory.mktemp("searches"), what)


def _on_one_and_two(folder, what):
    processes = [start(folder / str(n), *what, devices=n) for n in (1, 2)]
    return [result(p, folder / str(n)) for p, n in zip(processes, (1, 2), strict=True)]


@pytest.mark.slow
class TestTwoReplicasOfHalfABatch:
    @pytest.mark.parametrize(
        "name",
        [
            *("one_level", "first_order", "unrolled", "finite_difference"),
            *("neumann", "conjugate_gradient"),
        ],
    )
    def test_hypergradient(self, one_and_two, name):
        one, two = (found[name] for found in one_and_two)
        assert np.abs(one).max() > 1e-4
        np.testing.assert_allclose(two, one, rtol=1e-10)

    def test_second_order_term(self, one_and_two):
        """It is a small part of the sum, in which an error of its own could hide."""
        one, two = (found["unrolled"] - found["first_order"] for found in one_and_two)
        assert np.abs(one).max() > 1e-5
        np.testing.assert_allclose(two, one, rtol=1e-8)

    def test_search_of_20_steps(self, one_and_two):
        start = replicas.make_supernet().architecture_variables
        start = np.concatenate([np.ravel(v) for v in start])
        one, two = (found["alphas"] for found in one_and_two)
        assert np.abs(one - start).max() > 1e-3
        np.testing.assert_allclose(two, one, rtol=1e-4)
        one, two = (found["weights"] for found in one_and_two)
        np.testing.assert_allclose(two, one, atol=1e-4)
        one, two = (found["moving_variances"] for found in one_and_two)
        np.testing.assert_allclose(two, one, rtol=1e-4)

    def test_search_of_20_steps_in_float64(self, one_and_two):
        """Where rounding cannot be the reason, there is no difference."""
        one, two = one_and_two
        for name in ("exact_alphas", "exact_weights", "exact_moving_variances"):
            assert one[name].dtype == two[name].dtype == "float64"
            np.testing.assert_allclose(two[name], one[name], rtol=0, atol=1e-10)

    def test_what_a_step_exchanges(self, one_and_two):
        """Each gradient once; two numbers a channel forward, two backward, one tensor a layer."""
        one, two = one_and_two
        assert not one["exchanged"].size and one["bytes"] == 0
        supernet = replicas.make_supernet()
        expected = communication.of_first_order_step(supernet)
        weights, alphas = (
            sum(int(np.prod(v.shape)) for v in variables)
            for variables in (supernet.weight_variables, supernet.architecture_variables)
        )
        assert expected.elements[:2] == (alphas, weights)
        # The step of the alphas needs no gradient before the first cell's mixture: there are the
        # stem's normalisation and the cell's, of two channels each.
        left_out = [2 * 2, 2 * 2]
        found = two["exchanged"].tolist()
        # Numbers of examples, for the means of the losses.
        counts = [2, 2]
        assert sorted([*found, *left_out]) == sorted([*expected.elements, *counts])
        assert two["bytes"] == 4 * sum(found)
        assert sum(expected.elements) == alphas + weights + 2 * 4 * (2 + 2 + 3 * 4 + 4 * 8)

    def test_masked_elements_and_the_state_of_streams(self, one_and_two):
        one, two = one_and_two
        assert one["stream_states"].shape == (2 * streams.BATCH * 2,)
        for name in ("stream_alphas", "stream_weights", "stream_states", "stream_history"):
            np.testing.assert_allclose(two[name], one[name], rtol=1e-4, atol=1e-5)

    def test_moving_statistics(self, one_and_two):
        images = np.concatenate([images for images, _ in replicas.batches(0, 0, 1)])
        for found in one_and_two:
            np.testing.assert_allclose(found["mean"], 0.1 * images.mean(), rtol=1e-5)
            np.testing.assert_allclose(found["variance"], 0.9 + 0.1 * images.var(ddof=1), rtol=1e-6)

    def test_recurrent_cells(self, one_and_two):
        one, two = one_and_two
        term = one["recurrent_unrolled"] - one["recurrent_first_order"]
        assert np.abs(term).max() > 1e-2 * np.abs(one["recurrent_unrolled"]).max()
        for name in ("recurrent_unrolled", "recurrent_first_order"):
            np.testing.assert_allclose(two[name], one[name], rtol=1e-8, atol=1e-12)

    @pytest.mark.thorough
    def test_a_recurrent_search(self, searched_by_one_and_two):
        """With its dropout: a replica has its rows of the mask that one device has."""
        one, two = searched_by_one_and_two
        for name in ("alphas", "weights", "states"):
            found = [x[f"recurrent_search_{name}"] for x in (one, two)]
            assert np.abs(found[0]).max() > 1e-3
            np.testing.assert_allclose(found[1], found[0], rtol=1e-3, atol=1e-4)

    @pytest.mark.thorough
    @pytest.mark.parametrize("change", ["node", "copy", "split", "channels"])
    def test_supernets_that_grow(self, searched_by_one_and_two, change):
        for found in searched_by_one_and_two:
            before = found[f"growth_{change}_before"]
            assert np.abs(before).max() > 1e-2
            for name in {f"growth_{change}_after", f"growth_{change}_saved"} & set(found):
                np.testing.assert_allclose(found[name], before, atol=1e-6)
        one, two = (found[f"growth_{change}_after"] for found in searched_by_one_and_two)
        np.testing.assert_allclose(two, one, atol=1e-5)

    @pytest.mark.thorough
    def test_a_search_that_grows(self, searched_by_one_and_two):
        one, two = searched_by_one_and_two
        # Two nodes, and three operations of which one is a copy.
        assert one["growing_search_alphas"].shape == (2 * 3,)
        for name in ("growing_search_alphas", "growing_search_weights"):
            np.testing.assert_allclose(two[name], one[name], rtol=1e-3, atol=1e-4)

    @pytest.mark.thorough
    def test_a_search_by_transferability(self, searched_by_one_and_two):
        """Its quadruples are of the global batch, and both architectures move."""
        one, two = searched_by_one_and_two
        for name in ("alphas", "weights", "auxiliary", "auxiliary_architecture"):
            found = [x[f"tetlo_{name}"] for x in (one, two)]
            assert np.abs(found[0]).max() > 1e-3
            np.testing.assert_allclose(found[1], found[0], rtol=1e-3, atol=1e-4)

    def test_every_example_is_seen_once(self, one_and_two):
        expected = np.arange(replicas.STEPS * replicas.BATCH).reshape(replicas.STEPS, -1)
        for found in one_and_two:
            np.testing.assert_array_equal(found["examples"], expected)

    def test_every_replica_keeps_its_columns_of_a_text(self, one_and_two):
        one, two = (found["columns"] for found in one_and_two)
        np.testing.assert_array_equal(one[0], np.arange(80).reshape(4, 20)[:, :-1])
        np.testing.assert_array_equal(two, one.reshape(2, 2, -1))

    @pytest.mark.parametrize("name", ["dropout", "noise"])
    def test_random_numbers_are_those_of_one_device(self, one_and_two, name):
        one, two = (found[name] for found in one_and_two)
        np.testing.assert_array_equal(two, one)
        first, second = np.split(one, 2)
        assert not np.array_equal(first, second)


@pytest.mark.slow
def test_two_workers_one_of_which_is_killed(tmp_path, one_and_two):
    names, options = ("exact_search", "examples_seen"), {"checkpoint_dir": tmp_path / "checkpoints"}
    first, second = start_workers(tmp_path, *names, seconds_a_step=0.3, **options)
    # After the first epoch's checkpoint and before the end of the search.
    log = tmp_path / "1" / "log"
    deadline = time.monotonic() + 300
    while "step 2" not in log.read_text().partition("step 9")[2]:
        assert time.monotonic() < deadline and second.is_alive(), log.read_text()
        time.sleep(0.1)
    second.kill()
    first.join(timeout=120)
    assert first.exitcode == 2
    last = (tmp_path / "0" / "log").read_text().splitlines()[-1]
    assert last.startswith("error: lost the connection to another worker")
    assert "go on from the last checkpoint" in last

    workers = start_workers(tmp_path, *names, **options)
    found = [result(p, tmp_path / str(i)) for i, p in enumerate(workers)]
    for name in ("exact_alphas", "exact_weights", "exact_moving_variances"):
        np.testing.assert_array_equal(found[0][name], found[1][name])
        np.testing.assert_allclose(found[0][name], one_and_two[0][name], rtol=0, atol=1e-10)
    seen = np.concatenate([x["examples"] for x in found], axis=1)
    np.testing.assert_array_equal(seen, one_and_two[0]["examples"])


class TestOneReplica:
    def test_is_chief(self):
        assert distribution.is_chief(tf.distribute.get_strategy())

    def test_flags_are_its_own(self):
        assert distribution.any_worker(tf.distribute.get_strategy(), True, False) == [True, False]

    def test_other_errors_pass(self):
        with (
            pytest.raises(tf.errors.InternalError),
            distribution.naming_lost_workers(tf.distribute.get_strategy()),
        ):
            raise tf.errors.InternalError(None, None, "of something else")


class TwoReplicas:
    num_replicas_in_sync = 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (tf.data.Dataset.range(8).batch(4), "make them with drop_remainder=True"),
        (tf.data.Dataset.range(9).batch(3, drop_remainder=True), "a batch of 3 examples cannot be"),
    ],
)
def test_batches_that_cannot_be_shared(data, message):
    with pytest.raises(UserError, match=message):
        distribution.share_batches(TwoReplicas(), data)
