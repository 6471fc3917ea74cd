import pytest
import tensorflow as tf

from darts_tf.runtime.grappler import without_grappler


def is_off() -> bool:
    return tf.config.optimizer.get_experimental_options().get("disable_meta_optimizer", False)


@pytest.mark.parametrize("before", [False, True])
def test_the_scope_leaves_the_option_as_it_was(before, monkeypatch):
    now = is_off()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": before})
    try:
        with pytest.raises(KeyError), without_grappler():
            assert is_off()
            raise KeyError
        assert is_off() == before
        assert without_grappler()(is_off)() and is_off() == before
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
        with without_grappler():
            assert is_off() == before
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": now})
