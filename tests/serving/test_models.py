import weakref

import pytest

from darts_tf.serving.models import Models


class Model:
    """Refers to itself, as a loaded SavedModel does."""

    def __init__(self):
        self.itself = self


def test_an_old_version_is_dropped_when_its_requests_are_done():
    models = Models(Model())
    old = weakref.ref(models.current)
    with models.use() as first, models.use():
        assert first is old()
        models.replace(Model())
        assert models.current is not first
        with models.use() as second:
            assert second is models.current
        del first
    assert old() is None


def test_an_unused_old_version_is_dropped_at_once():
    models = Models(Model())
    old = weakref.ref(models.current)
    models.replace(Model())
    assert old() is None


def test_a_request_that_fails_is_done():
    models = Models(Model())
    old = weakref.ref(models.current)
    with pytest.raises(ValueError), models.use():
        models.replace(Model())
        raise ValueError
    assert old() is None
