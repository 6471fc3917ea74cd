import json

import pytest
import tensorflow as tf

from darts_tf.common.errors import UserError
from train import strategies
from train.strategies import DeviceConfig


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)


def workers(count, index=0, **changes):
    cluster = {"worker": [f"127.0.0.1:{port}" for port in range(2222, 2222 + count)]}
    return json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}, **changes})


def test_one_device_is_no_strategy():
    assert strategies.get(DeviceConfig(), 7) is tf.distribute.get_strategy()


@pytest.mark.parametrize("count", [1, 2])
def test_automatic(monkeypatch, count):
    monkeypatch.setenv("TF_CONFIG", workers(count))
    assert strategies._automatic(DeviceConfig()) == ("workers" if count > 1 else "none")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "worker 0",
        "[]",
        "{}",
        workers(2, index=2),
        workers(2, index=-1),
        workers(2, task={"type": "chief", "index": 0}),
        workers(2, cluster={"worker": ["a:1"], "ps": ["b:1"]}),
    ],
)
def test_bad_tf_config(monkeypatch, text):
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match="variable TF_CONFIG; (got|it is not)"):
        strategies.get(DeviceConfig(distribute="workers"), 8)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{}",
        '{"environment": "cloud"}',
        '{"cluster": {}, "task": {"type": "worker", "index": 0}}',
        '{"task": {"type": "master", "index": 0}, "cluster": null}',
    ],
)
def test_a_tf_config_without_a_cluster_is_one_process(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    assert strategies.get(DeviceConfig(), 7) is tf.distribute.get_strategy()
    with pytest.raises(UserError, match="variable TF_CONFIG; (got|it is not)"):
        strategies.get(DeviceConfig(distribute="workers"), 8)


@pytest.mark.parametrize("text", ["worker 0", "[]", workers(2, index=5)])
def test_a_wrong_tf_config_names_the_way_out(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match="in each process, or --distribute=none$"):
        strategies.get(DeviceConfig(), 7)
    assert strategies.get(DeviceConfig(distribute="none"), 7) is tf.distribute.get_strategy()


def test_no_tpu():
    with pytest.raises(UserError, match="--distribute=tpu found no TPU .--tpu='local'."):
        strategies.get(DeviceConfig(distribute="tpu", tpu="local"), 8)
