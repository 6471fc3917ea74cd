"""Flags of the further levels of a method."""

import pytest

from darts_tf.common.errors import UserError
from darts_tf.datasets import fingerprint
from train.search_flags import SearchConfig


def config(*words):
    return SearchConfig.from_words(["--method=tetlo", *words])


def test_options_and_the_auxiliary_reach_the_level(tmp_path):
    (level,) = config("--level_options=gamma=0.5,hard=true").make_method().levels
    assert (level.gamma, level.hard, level.auxiliary) == (0.5, True, "resnet")
    for name in ("resnet", "supernet", str(tmp_path / "own.keras")):
        (level,) = config(f"--auxiliary={name}").make_method().levels
        assert level.auxiliary == name


def test_another_file_is_another_search(tmp_path):
    path = tmp_path / "own.keras"
    path.write_bytes(b"one")
    settings = config(f"--auxiliary={path}").decisive()
    assert settings["auxiliary"] == str(path)
    assert settings["auxiliary_sha256"] == fingerprint.hash_file(path)
    path.write_bytes(b"two")
    assert config(f"--auxiliary={path}").decisive() != settings
    # A network that has a name is no file.
    assert "auxiliary_sha256" not in config("--auxiliary=supernet").decisive()


@pytest.mark.parametrize("flag", ["--auxiliary=supernet", "--level_options=gamma=1"])
def test_a_method_without_levels_takes_none(flag):
    with pytest.raises(UserError, match="of the levels of a search; they have none"):
        SearchConfig.from_words(["--method=darts-v2", flag]).make_method()
