"""A flag that could change nothing is refused before anything runs."""

import pytest
from absl import flags
from absl.testing import flagsaver

from darts_tf.common.errors import UserError
from train import baseline_search, data_flags, search_flags


@pytest.fixture
def given():
    with flagsaver.flagsaver():
        yield lambda *line: flags.FLAGS(["program", *line])


@pytest.mark.parametrize("flag", ["--flip", "--noflip", "--crop", "--nocrop", "--epochs=3"])
def test_training_flags_where_nothing_trains(given, flag):
    given("--method=te-nas", flag)
    with pytest.raises(UserError, match="no meaning for the method te-nas, which trains nothing"):
        search_flags.refuse_training_flags()


@pytest.mark.parametrize("flag", ["--flip", "--nocrop"])
def test_augmentation_of_what_only_gives_its_size(given, flag):
    given(flag)
    with pytest.raises(UserError, match="has no meaning for train.latency, which trains nothing"):
        data_flags.refuse_augmentation("train.latency")


@pytest.mark.parametrize("flag", ["--jit_compile=true", "--keep_checkpoints=2", "--cost=flops"])
def test_flags_of_a_supernet_where_there_is_none(given, flag):
    given("--method=random", flag)
    with pytest.raises(UserError, match="has no meaning for a method without a supernet"):
        baseline_search.check(search_flags.only_gradient_flags())


def test_candidates_that_train_are_augmented(given):
    given("--method=random", "--flip", "--nocrop")
    baseline_search.check(search_flags.only_gradient_flags())
