"""The version of a model that answers, while another one may take its place."""

import contextlib
import gc


class Models:
    """Holds one version of a model, and older ones until their requests are done.

    Args:
        model: the `darts_tf.serving.loaded_model.LoadedModel` to begin with.
    """

    def __init__(self, model):
        self._held = _Held(model)

    @property
    def current(self):
        """The version for new requests."""
        return self._held.model

    @contextlib.contextmanager
    def use(self):
        """A context for one request: its model, which stays in memory until the end."""
        held = self._held
        held.users += 1
        try:
            yield held.model
        finally:
            held.users -= 1
            self._drop_unused(held)

    def replace(self, model) -> None:
        """Answers new requests by another version; the old one is dropped when it is unused."""
        old, self._held = self._held, _Held(model)
        self._drop_unused(old)

    def _drop_unused(self, held) -> None:
        if held is not self._held and not held.users:
            held.model = None
            # A SavedModel in memory has cycles, and Python would be in no hurry.
            gc.collect()


class _Held:
    def __init__(self, model):
        self.model, self.users = model, 0
