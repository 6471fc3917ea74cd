import pytest

from darts_tf.plots import style
from tests import no_pictures


@pytest.fixture(scope="module", autouse=True)
def without_pictures():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "save", no_pictures.touch)
        yield
