import pytest

from darts_tf.benchmark import workloads
from darts_tf.benchmark.workloads import Size

TINY = Size(channels=2, cells=3, batch_size=2, image_size=8)


def check(measurement, steps):
    assert len(measurement.step_seconds) == steps and min(measurement.step_seconds) > 0
    # TensorFlow alone takes longer, and more memory, than this.
    assert measurement.startup_seconds > 1 and measurement.peak_memory_bytes > 2e8
    assert measurement.library.startswith("TensorFlow 2.") and measurement.threads >= 1


def test_search(tiny_space):
    measurement = workloads.measure_search(
        TINY, "darts-v1", space=tiny_space, steps=3, warmup=1, estimate=True
    )
    check(measurement, 3)
    assert measurement.estimated_memory_bytes > 2e8
    assert len(measurement.data_wait_seconds) == 3
    pairs = zip(measurement.data_wait_seconds, measurement.step_seconds, strict=True)
    assert all(0 <= wait < step for wait, step in pairs)


@pytest.mark.parametrize("name", ["sgas", "sgas-2", "darts-minus", "p-darts"])
def test_methods_whose_supernet_is_another_one(name, one_stage_space, monkeypatch):
    """A search of it is not refused; what happens after that is not their own."""

    class Made(Exception):
        pass

    def fit(*args, **kwargs):
        raise Made

    monkeypatch.setattr(workloads.ArchitectureSearch, "fit", fit)
    with pytest.raises(Made):
        workloads.measure_search(TINY, name, space=one_stage_space)


@pytest.mark.slow
def test_training():
    size = Size(channels=4, cells=3, batch_size=2, image_size=8)
    measurement = workloads.measure_training(size, "DARTS_V2", auxiliary=False, steps=2, warmup=0)
    check(measurement, 2)
    assert measurement.data_wait_seconds is None


def test_gradients(tiny_space):
    seconds = workloads.measure_gradients(
        TINY, ("first_order", "one_level"), space=tiny_space, rounds=3, warmup=1
    )
    assert list(seconds) == ["weight_step", "first_order", "one_level"]
    assert all(len(values) == 3 and min(values) > 0 for values in seconds.values())
