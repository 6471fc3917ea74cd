"""Genotypes in files, folders and saved alphas."""

import numpy as np
import pytest

from darts_tf import genotypes, selections, spaces
from darts_tf.common.errors import UserError
from darts_tf.genotypes import alphas


def softmax(values):
    exponentials = np.exp(values)
    return exponentials / exponentials.sum(1, keepdims=True)


def drawn(space, cell_type="normal", seed=0):
    shape = len(space.edges), len(space.operations)
    return np.random.default_rng([seed, len(cell_type)]).normal(size=shape)


class TestFiles:
    def test_a_log(self, tmp_path):
        log = tmp_path / "log.txt"
        log.write_text(f"12:01 genotype = {genotypes.get('SNAS_MILD').to_text()}\n12:02 done\n")
        assert genotypes.get(str(log)) == genotypes.get("SNAS_MILD")

    def test_the_folder_of_a_run(self, tmp_path):
        with pytest.raises(UserError, match="cannot read .* has no genotype.json; give that of a"):
            genotypes.get(str(tmp_path))
        genotypes.get("GDAS").save(tmp_path / "genotype.json")
        assert genotypes.get(str(tmp_path)) == genotypes.get("GDAS")

    def test_a_file_without_one(self, tmp_path):
        (tmp_path / "thesis.tex").write_text("DARTS searches cells.")
        with pytest.raises(UserError, match=r"thesis\.tex: no genotype in 'DARTS searches"):
            genotypes.get(str(tmp_path / "thesis.tex"))

    @pytest.mark.parametrize("suffix", [".pt", ".pkl"])
    def test_pickles_are_not_opened(self, tmp_path, suffix):
        path = tmp_path / f"weights{suffix}"
        path.write_bytes(b"cos\nsystem\n(S'touch /x'\ntR.")
        with pytest.raises(UserError, match="is pickled, and reading it would run what it holds"):
            genotypes.get(str(path))


class TestAlphas:
    @pytest.mark.parametrize("name", ["darts_cnn", "nas_bench_201", "darts_rnn"])
    def test_the_strongest_edges_of_the_softmax(self, tmp_path, name):
        space = spaces.get(name)
        alphas = {t: drawn(space, t) for t in space.cell_types}
        expected = selections.magnitude(space, {t: softmax(x) for t, x in alphas.items()})
        np.savez(tmp_path / "a.npz", **{f"alphas_{t}": x for t, x in alphas.items()})
        assert genotypes.get(str(tmp_path / "a.npz")) == expected
        # In the order of the reference's arch_parameters(), without names; float16; the softmax.
        np.savez(tmp_path / "b.npz", *(x.astype("float32") for x in alphas.values()))
        assert genotypes.get(str(tmp_path / "b.npz")) == expected
        np.save(tmp_path / "c.npy", np.stack([softmax(x) for x in alphas.values()]))
        assert genotypes.get(str(tmp_path / "c.npy")) == expected

    def test_by_hand(self):
        """A node's edges of weights .5, .4 and .45: the first and the last stay."""
        rows = np.full([14, 8], 0.0)
        rows[[0, 1], 4] = 9.0
        weights = np.array([0.5, 0.4, 0.45])
        rows[[2, 3, 4], [4, 5, 6]] = np.log(7 * weights / (1 - weights))
        cell = genotypes.from_alphas({"normal": rows, "reduce": rows})["normal"]
        assert cell.nodes[0] == (("sep_conv_3x3", 0), ("sep_conv_3x3", 1))
        assert cell.nodes[1] == (("sep_conv_3x3", 0), ("dil_conv_3x3", 2))
        # Where all are equal, the first operation but none, from the first sources.
        assert cell.nodes[3] == (("max_pool_3x3", 0), ("max_pool_3x3", 1))

    def test_without_the_column_of_none(self):
        space = spaces.DARTS_CNN
        alphas = {t: drawn(space, t) for t in space.cell_types}
        for values in alphas.values():
            values[:, 0] = -100.0
        expected = genotypes.from_alphas(alphas)
        assert genotypes.from_alphas({t: x[:, 1:] for t, x in alphas.items()}) == expected

    def test_edge_weights_of_pc_darts(self):
        """All operations weigh the same, so that the betas alone choose the edges."""
        betas = np.zeros(14)
        betas[[3, 4]] = 1.0
        arrays = {f"alphas_{t}": np.zeros([14, 8]) for t in ("normal", "reduce")}
        arrays |= {f"betas_{t}": betas for t in ("normal", "reduce")}
        cell = genotypes.from_alphas(arrays)["normal"]
        assert [[edge.source for edge in node] for node in cell.nodes] == [
            [0, 1],
            [1, 2],
            [0, 1],
            [0, 1],
        ]

    def test_the_last_epoch(self, tmp_path):
        """Such as operation_weights.npz of a run holds them."""
        space = spaces.get("s3")
        first, last = ({t: softmax(drawn(space, t, k)) for t in space.cell_types} for k in (0, 1))
        both = {t: np.stack([first[t], last[t]]) for t in space.cell_types}
        np.savez(tmp_path / "operation_weights.npz", **both)
        assert genotypes.get(str(tmp_path / "operation_weights.npz")).cells == (
            selections.magnitude(space, last).cells
        )

    BAD = {
        "shape": (np.zeros([14, 9]), "1 of the shape .14, 9. are no alphas of a space"),
        "one cell": (np.zeros([14, 8]), "1 of the shape .14, 8. are no alphas"),
        "not a number": (np.full([6, 5], np.nan), "expected finite numbers"),
        "texts": (np.full([6, 5], "a"), "expected finite numbers"),
        "a vector": (np.zeros(5), "expected alphas .edges, operations., got arr_0 .5."),
        "two spaces": (
            np.zeros([2, 14, 2]),
            "of the spaces s2 and s3 and s4",
        ),
        "nothing": ({}, "expected alphas"),
        "names": (
            {"first": np.zeros([14, 8]), "second": np.zeros([14, 8])},
            "which cell is 'first' of",
        ),
        "betas": (
            {"normal": np.zeros([14, 8]), "reduce": np.zeros([14, 8]), "betas_normal": np.zeros(3)},
            "betas: expected .14 edges., got .3.",
        ),
    }

    @pytest.mark.parametrize(("values", "message"), BAD.values(), ids=BAD)
    def test_what_is_none(self, values, message):
        with pytest.raises(UserError, match=message) as caught:
            genotypes.from_alphas(values)
        assert "\n" not in str(caught.value)

    def test_a_space_that_is_given(self):
        space = spaces.get("s4")
        found = genotypes.from_alphas(np.zeros([2, 14, 2]), "s4")
        assert found.space == "s4" and len(found["normal"].nodes) == space.nodes

    def test_a_file_that_unpacks_to_too_much(self, tmp_path, monkeypatch):
        monkeypatch.setattr(alphas, "_MOST_BYTES", 10_000)
        np.savez_compressed(tmp_path / "zeros.npz", normal=np.zeros([14, 800]))
        assert (tmp_path / "zeros.npz").stat().st_size < 10_000
        with pytest.raises(UserError, match="it has more than 0 MiB, which no alphas have"):
            genotypes.get(str(tmp_path / "zeros.npz"))

    def test_damaged_and_pickled_files(self, tmp_path):
        objects, damaged, empty = (tmp_path / name for name in ("o.npy", "d.npz", "e.npy"))
        np.save(objects, np.array([{}], dtype=object), allow_pickle=True)
        damaged.write_bytes(b"PK\x03\x04 no archive")
        empty.write_bytes(b"")
        for path in (objects, damaged, empty):
            with pytest.raises(UserError, match="cannot read the genotype") as caught:
                genotypes.get(str(path))
            assert "\n" not in str(caught.value)
