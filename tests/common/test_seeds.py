"""Formulas of seeds: the numbers that earlier runs have drawn by, and that none comes twice."""

import itertools

import pytest
import tensorflow as tf

from darts_tf.common import seeds
from darts_tf.common.errors import UserError

SEEDS, POSITIONS = range(6), range(40)


def test_levels_of_a_step():
    def numbers(steps, level):
        return tuple(seeds.of_level(3, tf.constant(steps), level).numpy().tolist())

    assert [numbers(7, level) for level in range(4)] == [(3, 14), (3, 15), (3, -15), (3, -16)]
    found = [numbers(*position) for position in itertools.product(POSITIONS, range(4))]
    assert len(set(found)) == len(found)
    assert seeds.of_level(3, tf.constant(0), 1).dtype == tf.int32
    with pytest.raises(UserError, match="level 4 of a search cannot draw"):
        seeds.of_level(3, tf.constant(0), 4)


def test_parts_of_a_step():
    """Neither of one seed nor of the levels and steps near it, as far as one looks."""
    pairs = [[seed, step] for seed in range(3) for step in range(-4, 4)]
    found = [
        tuple(part.numpy().tolist())
        for pair in pairs
        for part in (tf.constant(pair), *(seeds.of_part(tf.constant(pair), i) for i in range(4)))
    ]
    assert len(set(found)) == len(found) == 5 * len(pairs)


@pytest.mark.parametrize(
    "formula, expected",
    [
        (lambda seed, n: seeds.of_stream(seed, n % 2), 7),
        (lambda seed, n: seeds.of_stream(seed, n % 3, 3), 10),
        (seeds.of_epoch, 30_001),
        (seeds.of_trial, 30_001),
        (lambda seed, n: seeds.of_oracle(seed) + n, 40_001),
        (seeds.of_variable, 7922),
        (seeds.of_sample, 3_000_001),
    ],
)
def test_no_number_comes_twice(formula, expected):
    assert formula(3, 1) == expected
    found = {}
    for seed, position in itertools.product(SEEDS, POSITIONS):
        found.setdefault(formula(seed, position), set()).add(seed)
    assert all(len(owners) == 1 for owners in found.values())


def test_consecutive_numbers_are_shared_by_the_next_seed():
    assert seeds.consecutive(3, 1) == seeds.consecutive(4, 0) == 4


@pytest.mark.parametrize("formula", [seeds.of_trial, seeds.consecutive])
def test_large_seeds_stay_below_what_numpy_takes(formula):
    assert 0 <= formula(2**32 - 1, 5) < 2**32


def test_a_large_seed_of_an_oracle():
    assert seeds.of_oracle(2**32 - 1) == 0
