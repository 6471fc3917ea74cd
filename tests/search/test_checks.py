import types

import pytest

from darts_tf import methods
from darts_tf.search import checks


class TestWarnOfRounding:
    @pytest.mark.parametrize(
        "dtype, message",
        [
            (
                "bfloat16",
                "in bfloat16 the second-order term of the finite difference was 35 and 86 % off on "
                "smooth supernets (python -m train.verify --precision), because w+ and w- are "
                "rounded; use --precision=float32 or --hypergradient=unrolled, which "
                "differentiates, or first_order",
            ),
            (
                "float16",
                "in float16 the second-order term of the finite difference was 6 and 15 % off on "
                "smooth supernets (python -m train.verify --precision), because w+ and w- are "
                "rounded; use --precision=float32 or --hypergradient=first_order",
            ),
        ],
    )
    def test_finite_difference(self, caplog, dtype, message):
        supernet = types.SimpleNamespace(compute_dtype=dtype)
        checks.warn_of_rounding(methods.get("darts-v2"), supernet)
        assert [record.getMessage() for record in caplog.records] == [message]

    @pytest.mark.parametrize("name, dtype", [("darts-v2", "float32"), ("darts-v1", "bfloat16")])
    def test_what_loses_little(self, caplog, name, dtype):
        supernet = types.SimpleNamespace(compute_dtype=dtype)
        checks.warn_of_rounding(methods.get(name), supernet)
        assert not caplog.records


def test_what_needs_less_memory():
    advice = checks.less_memory(methods.get("darts-v2-exact"))
    assert advice.endswith("--cells, or --hypergradient=first_order instead of unrolled")
    advice = checks.less_memory(methods.get("darts-v1"))
    assert advice.endswith("fewer --cells, or more --accumulate_steps")
