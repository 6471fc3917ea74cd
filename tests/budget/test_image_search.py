"""Searches within a budget, put together; nothing is trained."""

import dataclasses

import numpy as np
import pytest

from darts_tf import datasets, genotypes, spaces
from darts_tf.budget import Constraints, clock, image_search
from darts_tf.budget.constraints import CountedCosts
from darts_tf.budget.image_candidates import ImageCandidates
from darts_tf.budget.size import Size
from darts_tf.common.errors import UserError
from darts_tf.genotypes.published import GENOTYPES


class Ticks:
    """A clock on which a second passes whenever somebody looks."""

    seconds = 1000.0

    def __call__(self):
        self.seconds += 1
        return self.seconds


@pytest.fixture
def search(one_stage_space, monkeypatch):
    monkeypatch.setitem(clock.KINDS, "processor", Ticks())
    evidence = {"score": 0.5, "accuracy": 0.5, "steps": 1}
    monkeypatch.setattr(ImageCandidates, "train", lambda *arguments: evidence)
    labels = np.arange(40, dtype=np.int32) % 2
    images = np.zeros((40, 8, 8, 1), np.uint8) + labels[:, None, None, None].astype(np.uint8)
    data = dataclasses.replace(datasets.from_arrays(images, labels), flip=False)

    def search(budget="20s", space=one_stage_space, **options):
        cells = 1 if space == one_stage_space else 3
        options = {"channels": 2, "cells": cells, "proxy": Size(steps=1), **options}
        return image_search.search_for(data, budget, space, **options)

    return search


def test_what_a_process_has_done_before_is_not_of_the_budget(search):
    first, second = search(), search()
    assert len(first.candidates) == len(second.candidates) > 1
    assert len(search(since=0.0).candidates) == 1


def test_a_search_goes_on_when_the_cheapest_network_is_measured_as_slower(
    search, monkeypatch, tmp_path
):
    measured = 1.0
    monkeypatch.setattr(
        "darts_tf.budget.image_candidates.latency.milliseconds", lambda network: measured
    )
    options = {"constraints": Constraints(latency_ms=1.5), "folder": tmp_path}
    first = search(**options)
    measured = 2.0
    again = search(**options)
    assert again.genotype == first.genotype


def test_aging_evolution_trains_everybody_once_and_three_times_as_long(search, monkeypatch):
    trained = []

    def train(evaluator, number, genotype, rung):
        trained.append((rung, evaluator.proxy.steps))
        return {"score": 0.5, "accuracy": 0.5, "steps": 1}

    monkeypatch.setattr(ImageCandidates, "train", train)
    search(proposals="evolution")
    assert len(trained) > 1 and set(trained) == {(0, 3)}
    trained.clear()
    search(proposals="evolution", rungs=2, proxy=Size(steps=2))
    assert {steps for _, steps in trained} == {6} and 1 in {rung for rung, _ in trained}
    trained.clear()
    search(proposals="random")
    assert {steps for _, steps in trained} == {1} and 1 in {rung for rung, _ in trained}


def test_an_unknown_supernet_is_refused_before_anything_is_trained(search, monkeypatch):
    monkeypatch.setattr(ImageCandidates, "train", lambda *arguments: pytest.fail("trained"))
    with pytest.raises(UserError, match="unknown method 'drans'.*drnas"):
        search(supernets=("drans",))


class TestPublishedCells:
    def origins(self, search, **options):
        return [c.origin for c in search(**options).candidates]

    def test_come_first(self, search):
        found = search(space="nas_bench_201").candidates
        names = ["NAS_BENCH_201_RESNET", "NAS_BENCH_201_CONVOLUTIONS"]
        assert [c.origin for c in found[:3]] == [*names, "random"]
        assert [c.genotype for c in found[:2]] == [genotypes.get(name) for name in names]

    def test_those_with_the_smallest_error_first(self, search):
        origins = self.origins(search, space="darts_cnn")
        assert origins[:4] == ["DRNAS", "PDARTS", "PC_DARTS_CIFAR", "random"]

    def test_as_many_as_are_wanted(self, search):
        options = {"space": "nas_bench_201"}
        assert self.origins(search, published_cells=1, **options)[1] == "random"
        assert not GENOTYPES.keys() & self.origins(search, published_cells=0, **options)

    def test_baselines_have_none(self, search):
        assert set(self.origins(search, space="nas_bench_201", proposals="random")) == {"random"}

    def test_only_within_the_limits(self, search):
        counted = CountedCosts("nas_bench_201", (8, 8, 1), 2, 2, 3)
        limit = counted(genotypes.get("NAS_BENCH_201_RESNET"))["parameters"]
        options = {"space": "nas_bench_201", "constraints": Constraints(parameters=limit)}
        assert self.origins(search, **options)[:2] == ["NAS_BENCH_201_RESNET", "random"]

    def test_where_the_first_are_too_large_the_next(self, search):
        counted = CountedCosts("darts_cnn", (8, 8, 1), 2, 2, 3)
        names = [n for n, one in GENOTYPES.items() if one.genotype.space == "darts_cnn"]
        names.sort(key=lambda name: GENOTYPES[name].test_error or 100)
        sizes = {name: counted(genotypes.get(name))["parameters"] for name in names}
        limit = min(sizes["DRNAS"], sizes["PDARTS"], sizes["PC_DARTS_CIFAR"]) - 1
        expected = [name for name in names if sizes[name] <= limit][:3]
        assert len(expected) == 3
        found = self.origins(
            search, space="darts_cnn", constraints=Constraints(parameters=limit), cells=3
        )
        assert found[:3] == expected and found[3] == "random"

    def test_none_that_a_part_of_the_space_lacks(self, search):
        space = spaces.get("darts_cnn")
        own = ("skip_connect", "sep_conv_3x3")
        part = space.restrict({name: [own] * len(space.edges) for name in space.cell_types})
        assert not GENOTYPES.keys() & self.origins(search, space=part)

    @pytest.mark.parametrize(
        ("deviation", "origin"), [(0.1, "NAS_BENCH_201_CONVOLUTIONS"), (0, "predicted")]
    )
    def test_lead_where_nobody_is_better_for_certain(self, search, monkeypatch, deviation, origin):
        def train(evaluator, number, genotype, rung):
            return {"score": 0.5 + 0.01 * number, "deviation": deviation, "accuracy": 0, "steps": 1}

        monkeypatch.setattr(ImageCandidates, "train", train)
        found = search(space="nas_bench_201", rungs=1, budget="12s")
        # Of the two that are known the second one is the better one.
        assert found.best.origin == origin
        assert found.ranking[0] == found.genotype and len(set(found.ranking)) == len(found.ranking)


class TestFolder:
    def test_the_same_search_goes_on_with_more(self, search, tmp_path):
        first = search(folder=tmp_path)
        again = search(folder=tmp_path, budget="40s")
        count = len(first.candidates)
        assert [c.genotype for c in again.candidates[:count]] == [
            c.genotype for c in first.candidates
        ]

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"seed": 1}, "seed was 0 and is now 1"),
            ({"channels": 4}, r"size was \[2, 1\] and is now \[4, 1\]"),
            (
                {"constraints": Constraints(parameters=10**9)},
                "limits was .*None.* is now .*1000000000",
            ),
            ({"proxy": Size(steps=2)}, "proxy was"),
        ],
    )
    def test_another_search_is_refused(self, search, tmp_path, changes, message):
        search(folder=tmp_path)
        with pytest.raises(UserError, match=f"holds another search: {message}"):
            search(folder=tmp_path, **changes)

    def test_one_by_other_rules_is_refused(self, search, tmp_path, monkeypatch):
        search(folder=tmp_path)
        monkeypatch.setattr(image_search, "RULES", image_search.RULES + 1)
        with pytest.raises(UserError, match="holds another search: rules was"):
            search(folder=tmp_path)

    def test_one_that_does_not_say_what_it_is_is_refused(self, search, tmp_path):
        search(folder=tmp_path)
        (tmp_path / "search.json").unlink()
        with pytest.raises(UserError, match="holds a search of an earlier version"):
            search(folder=tmp_path)

    def test_other_images_are_refused(self, search, tmp_path, monkeypatch):
        search(folder=tmp_path)
        plain = datasets.ImageData.description
        monkeypatch.setattr(
            datasets.ImageData,
            "description",
            lambda data: {
                **plain(data),
                "fingerprint": {**plain(data)["fingerprint"], "train_images": "others"},
            },
        )
        with pytest.raises(UserError, match="another search: the training images"):
            search(folder=tmp_path)

    def test_a_damaged_file_is_named(self, search, tmp_path):
        search(folder=tmp_path)
        (tmp_path / "search.json").write_text("[]")
        with pytest.raises(UserError, match="cannot read .*search.json"):
            search(folder=tmp_path)
