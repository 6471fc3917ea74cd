import pytest

from darts_tf.plots import style
from tests import no_pictures


@pytest.fixture(scope="module", autouse=True)
def without_pictures(request):
    """But in a file of tests that says `DRAWS = True`, because what it looks at shows them."""
    if getattr(request.module, "DRAWS", False):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "save", no_pictures.touch)
        yield
