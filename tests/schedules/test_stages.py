import numpy as np

from darts_tf import methods, selections, spaces
from darts_tf.schedules import keep_largest

SPACE = spaces.get("darts_cnn")


def random_weights(seed):
    rng = np.random.default_rng(seed)
    return {name: rng.random((14, 8)) for name in SPACE.cell_types}


def test_the_largest_of_every_edge():
    weights = random_weights(0)
    kept = keep_largest(SPACE, weights, 5)
    for name in SPACE.cell_types:
        for names, row in zip(kept[name], weights[name], strict=True):
            largest = sorted(np.argsort(-row)[:5])
            assert names == [SPACE.operations[k] for k in largest]


def test_p_darts_goes_from_8_to_5_to_3_to_1():
    stages = methods.get("p-darts").stages
    assert [stage.cells for stage in stages] == [5, 11, 17]
    assert [stage.keep for stage in stages] == [5, 3, None]
    assert [stage.skip_dropout for stage in stages] == [0.0, 0.4, 0.7]
    for seed in range(20):
        space, sets = SPACE, []
        for i, stage in enumerate(stages[:-1]):
            kept = keep_largest(space, random_weights(3 * seed + i), stage.keep)
            restricted = space.restrict(kept)
            for name in SPACE.cell_types:
                inside = restricted.mask(name) <= space.mask(name)
                assert inside.all()
                sets.append(set(restricted.mask(name).sum(-1)))
            space = restricted
        assert sets == [{5}, {5}, {3}, {3}]
        found = selections.few_skips(space, random_weights(3 * seed + 2))
        for name in SPACE.cell_types:
            mask = space.mask(name)
            for node, edges in enumerate(found[name].nodes):
                assert len(edges) == len({edge.source for edge in edges}) == 2
                for operation, source in edges:
                    assert operation != "none"
                    e = SPACE.edges.index((node, source))
                    assert mask[e, SPACE.operations.index(operation)]
        skips = [e.operation for e in found["normal"].edges].count("skip_connect")
        assert skips <= 2


def test_fewer_candidates_than_kept():
    few = [("none", "skip_connect")] * 14
    space = SPACE.restrict({"normal": few, "reduce": few})
    assert keep_largest(space, random_weights(1), 5)["normal"] == [["none", "skip_connect"]] * 14


def test_ties_keep_the_later_operation():
    equal = {name: np.full((14, 8), 0.125) for name in SPACE.cell_types}
    assert keep_largest(SPACE, equal, 3)["reduce"] == [list(SPACE.operations[-3:])] * 14
