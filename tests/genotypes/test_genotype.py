import copy
import json
import pathlib
import pickle

import pytest

from darts_tf import genotypes, spaces
from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, Edge, Genotype

FIXTURE = pathlib.Path(__file__).parents[1] / "data" / "darts_v2.json"


def darts_v2_as_dict() -> dict:
    return json.loads(FIXTURE.read_text())


def built_by_hand() -> Genotype:
    normal = CellGenotype(
        nodes=(
            (Edge("sep_conv_3x3", 0), Edge("sep_conv_3x3", 1)),
            (Edge("sep_conv_3x3", 0), Edge("sep_conv_3x3", 1)),
            (Edge("sep_conv_3x3", 1), Edge("skip_connect", 0)),
            (Edge("skip_connect", 0), Edge("dil_conv_3x3", 2)),
        ),
        concat=(2, 3, 4, 5),
    )
    reduce = CellGenotype(
        nodes=(
            (Edge("max_pool_3x3", 0), Edge("max_pool_3x3", 1)),
            (Edge("skip_connect", 2), Edge("max_pool_3x3", 1)),
            (Edge("max_pool_3x3", 0), Edge("skip_connect", 2)),
            (Edge("skip_connect", 2), Edge("max_pool_3x3", 1)),
        ),
        concat=(2, 3, 4, 5),
    )
    return Genotype("darts_cnn", {"normal": normal, "reduce": reduce})


class TestValue:
    def test_equal_and_same_hash_whatever_the_order_of_the_cells(self):
        one = built_by_hand()
        other = Genotype("darts_cnn", dict(reversed(one.cells.items())))
        assert one == other
        assert hash(one) == hash(other)
        assert len({one, other}) == 1

    def test_another_operation_input_or_order_of_edges_makes_another_genotype(self):
        one = built_by_hand()
        for path, value in [((0, 0, 0), "max_pool_3x3"), ((0, 0, 1), 1)]:
            data = darts_v2_as_dict()
            node, edge, part = path
            data["cells"]["normal"]["nodes"][node][edge][part] = value
            assert Genotype.from_dict(data) != one
        data = darts_v2_as_dict()
        data["cells"]["normal"]["nodes"][0].reverse()
        assert Genotype.from_dict(data) != one
        assert one != "DARTS_V2"

    def test_immutable(self):
        genotype = built_by_hand()
        with pytest.raises(AttributeError, match="immutable"):
            genotype.space = "nasnet"
        with pytest.raises(AttributeError):
            genotype["normal"].concat = (2,)
        with pytest.raises(AttributeError):
            genotype["normal"].nodes[0][0].operation = "none"

    def test_changing_the_returned_or_the_given_mapping_changes_nothing(self):
        cells = built_by_hand().cells
        genotype = Genotype("darts_cnn", cells)
        cells.clear()
        genotype.cells.clear()
        assert genotype == built_by_hand()

    def test_lists_become_tuples(self):
        cell = CellGenotype(nodes=[[["none", 0]]], concat=[2])
        assert cell.nodes == ((Edge("none", 0),),)
        assert cell.concat == (2,)
        assert hash(cell) == hash(CellGenotype(((Edge("none", 0),),), (2,)))

    def test_edges_are_flat_and_in_the_order_of_the_nodes(self):
        edges = built_by_hand()["normal"].edges
        assert len(edges) == 8
        assert edges[-1] == Edge("dil_conv_3x3", 2)

    def test_repr_evaluates_to_an_equal_value(self):
        names = {"Genotype": Genotype, "CellGenotype": CellGenotype, "Edge": Edge}
        assert eval(repr(built_by_hand()), names) == built_by_hand()

    def test_pickle_and_deepcopy(self):
        genotype = built_by_hand()
        assert pickle.loads(pickle.dumps(genotype)) == genotype
        assert copy.deepcopy(genotype) == genotype


class TestJson:
    def test_fixture_is_darts_v2(self):
        assert Genotype.load(FIXTURE) == built_by_hand()

    def test_the_file_is_byte_for_byte_the_fixture(self, tmp_path):
        path = tmp_path / "genotype.json"
        built_by_hand().save(path)
        assert path.read_bytes() == FIXTURE.read_bytes()
        assert [file.name for file in tmp_path.iterdir()] == ["genotype.json"]

    def test_a_node_a_line(self):
        lines = built_by_hand().to_json().splitlines()
        assert '        [["skip_connect", 0], ["dil_conv_3x3", 2]]' in lines
        assert max(map(len, lines)) <= 80

    def test_dictionary_and_text_round_trip(self):
        genotype = built_by_hand()
        assert Genotype.from_dict(genotype.to_dict()) == genotype
        assert Genotype.from_json(genotype.to_json()) == genotype
        assert genotype.to_dict() == darts_v2_as_dict()

    def test_schema_version_is_written(self):
        assert built_by_hand().to_dict()["schema_version"] == 1

    def test_a_failed_save_leaves_the_old_file(self, tmp_path, monkeypatch):
        path = tmp_path / "genotype.json"
        built_by_hand().save(path)

        def fail(*args):
            raise OSError("disk full")

        monkeypatch.setattr("os.replace", fail)
        with pytest.raises(UserError, match="cannot write .*genotype.json"):
            genotypes.get("PDARTS").save(path)
        assert Genotype.load(path) == built_by_hand()


class TestLoad:
    def test_no_json(self, tmp_path):
        path = tmp_path / "genotype.json"
        path.write_text(FIXTURE.read_text()[:100])
        with pytest.raises(UserError, match=r"genotype\.json: not JSON: "):
            Genotype.load(path)

    def test_json_but_no_object(self):
        with pytest.raises(UserError, match=r"the genotype: expected an object, got \[1, 2\]"):
            Genotype.from_json("[1, 2]")

    def test_missing_file(self, tmp_path):
        with pytest.raises(UserError, match="cannot read the genotype .*absent.json"):
            Genotype.load(tmp_path / "absent.json")

    def test_binary_file(self, tmp_path):
        path = tmp_path / "genotype.json"
        path.write_bytes(b"\xff\xfe\x00")
        with pytest.raises(UserError, match="cannot read the genotype"):
            Genotype.load(path)

    def test_directory(self, tmp_path):
        with pytest.raises(UserError, match="cannot read the genotype"):
            genotypes.get(str(tmp_path))


class TestGet:
    def test_by_name_and_by_path(self):
        assert genotypes.get("DARTS_V2") == built_by_hand()
        assert genotypes.get(str(FIXTURE)) == built_by_hand()

    def test_a_file_that_is_not_there(self):
        with pytest.raises(UserError, match=r"'my \(1\)/cell.json' is neither a genotype file"):
            genotypes.get("my (1)/cell.json")

    def test_neither(self):
        with pytest.raises(UserError, match="'DARTS_V3' is neither .* DARTS_V1, DARTS_V2, "):
            genotypes.get("DARTS_V3")


class TestSample:
    def test_seed_decides(self):
        assert genotypes.get("random:3") == genotypes.sample(spaces.DARTS_CNN, 3)
        assert genotypes.get("random:3") != genotypes.get("random:4")

    def test_two_different_sources_a_node_and_never_none(self):
        operations = set()
        for seed in range(50):
            for cell in genotypes.sample(spaces.DARTS_CNN, seed).cells.values():
                assert all(len({edge.source for edge in node}) == 2 for node in cell.nodes)
                operations |= {edge.operation for edge in cell.edges}
        assert operations == set(spaces.DARTS_CNN.operations) - {"none"}
