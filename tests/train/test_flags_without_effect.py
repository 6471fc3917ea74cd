"""A flag that could change nothing is refused before anything runs."""

import pytest

from darts_tf.common.errors import UserError
from train import data_flags, search_checks
from train.data_flags import DataConfig
from train.search_flags import SearchConfig


def check(*line):
    config = SearchConfig.from_words(line)
    search_checks.check(config, config.make_method())


@pytest.mark.parametrize("flag", ["--flip", "--noflip", "--crop", "--nocrop", "--epochs=3"])
def test_training_flags_where_nothing_trains(flag):
    with pytest.raises(UserError, match="no meaning for the method te-nas, which trains nothing"):
        check("--method=te-nas", flag)


@pytest.mark.parametrize("flag", ["--flip", "--nocrop"])
def test_augmentation_of_what_only_gives_its_size(flag):
    with pytest.raises(UserError, match="has no meaning for train.latency, which trains nothing"):
        data_flags.refuse_augmentation(DataConfig.from_words([flag]), "train.latency")


@pytest.mark.parametrize("flag", ["--jit_compile=true", "--keep_checkpoints=2", "--cost=flops"])
def test_flags_of_a_supernet_where_there_is_none(flag):
    with pytest.raises(UserError, match="has no meaning for a method without a supernet"):
        check("--method=random", flag)


def test_candidates_that_train_are_augmented():
    check("--method=random", "--flip", "--nocrop")
