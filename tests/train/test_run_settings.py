"""A run's settings, taken over from its folder."""

import json

import pytest

from darts_tf.common.errors import UserError
from train import searching
from train.select import SelectConfig


def written(folder, **settings):
    settings = {"program": "search", "method": "darts-v1", **settings}
    (folder / "config.json").write_text(json.dumps(settings))
    return searching.of_run(SelectConfig(), folder)


def test_the_one_cell_of_a_text_is_no_setting(tmp_path):
    """--cells is from 3 on, and for images."""
    found = written(tmp_path, task="language_model", space="darts_rnn", cells=1, channels=8)
    assert (found.task, found.space, found.cells, found.channels) == (
        *("language_model", "darts_rnn", None, 8),
    )
    assert written(tmp_path, task="image_classification", cells=5).cells == 5


def test_images_have_no_network_of_one_cell(tmp_path):
    with pytest.raises(UserError, match="is damaged: cells is 1"):
        written(tmp_path, cells=1)
