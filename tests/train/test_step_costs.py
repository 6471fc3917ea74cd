import pytest

from darts_tf import methods
from darts_tf.costs import memory
from darts_tf.search.architecture_search import ArchitectureSearch
from train import step_costs


def make(method, side, **options):
    supernet = methods.get(method).make_supernet("darts_cnn", (side, 80, 3), 4, 2, 3, **options)
    return ArchitectureSearch(supernet, method)


def test_memory_and_time(monkeypatch, capsys, caplog):
    search, passes = make("darts-v2", 64, macro="darts_imagenet"), 15
    monkeypatch.setattr(memory, "resident_memory", lambda: 1_000_000_000)
    monkeypatch.setattr(memory, "free_memory", lambda: 5_000_000)
    monkeypatch.setattr(step_costs, "_forward_seconds", lambda supernet: 0.01)
    expected = memory.estimate(search.supernet, search.method.make_gradient()).peak(12, 2)
    line = step_costs.tell(search, 12, 2)
    took = f"{0.12 * passes:.1f} s"
    assert line == f"a step will take about {expected / 1e9:.1f} GB of memory and {took}"
    assert capsys.readouterr().out == f"{line}\n"
    assert "0.0 GB are free: --batch_size=auto" in caplog.text


def test_the_time_of_a_pass(eagerly):
    supernet = make("darts-v1", 64, macro="darts_imagenet").supernet
    # Other threads of the tests' process may take time between.
    assert any(0 < step_costs._forward_seconds(supernet) < 9 for _ in range(3))


@pytest.mark.parametrize(("fixed", "largest"), [(0.0, 4), (0.3, 64), (9.0, 256)])
def test_the_time_of_an_image_is_what_more_of_them_take(monkeypatch, fixed, largest):
    seen = []

    def took(supernet, count):
        seen.append(count)
        return fixed + 0.01 * count

    monkeypatch.setattr(step_costs, "_pass_seconds", took)
    monkeypatch.setattr(step_costs, "available_cpus", lambda: 2)
    assert step_costs._forward_seconds(None) == pytest.approx(0.005)
    assert seen[0] == 1 and seen[-1] == largest


def test_nothing_is_told_of_small_images():
    assert step_costs.tell(make("darts-v1", 63), 4) is None
