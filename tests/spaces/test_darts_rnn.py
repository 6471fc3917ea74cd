import dataclasses

import pytest

from darts_tf import Supernet, genotypes, spaces
from darts_tf.common.errors import UserError
from darts_tf.networks.network import build_network
from darts_tf.spaces import DARTS_RNN, Space


def test_every_node_has_an_edge_from_every_node_before_it():
    assert len(DARTS_RNN.edges) == 36 == sum(range(1, 9))
    assert DARTS_RNN.edges[:6] == ((0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2))
    assert DARTS_RNN.operations == ("none", "tanh", "relu", "sigmoid", "identity")
    assert DARTS_RNN.concat == (1, 2, 3, 4, 5, 6, 7, 8)
    assert DARTS_RNN.cell_types == ("recurrent",)
    assert DARTS_RNN.choosable("recurrent").sum() == 36 * 4


def test_only_the_space_of_darts_is_searched():
    assert spaces.names(kind="recurrent") == ("darts_rnn", "enas_rnn")
    assert spaces.names(searchable_only=True, kind="recurrent") == ("darts_rnn",)
    assert not {"darts_rnn", "enas_rnn"} & set(spaces.names())
    kinds = ("convolutional", "recurrent", "two_input")
    assert set(spaces.names(kind=None)) == {x for kind in kinds for x in spaces.names(kind=kind)}


def test_an_own_recurrent_space_is_written_and_read():
    own = dataclasses.replace(DARTS_RNN, name="small", nodes=3, edges=None)
    assert spaces.get(spaces.serialize(own)) == own
    assert own.kind == "recurrent" and len(own.edges) == 6


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "spiking"}, "kind is 'spiking'; expected one of convolutional, recurrent"),
        ({"kind": "convolutional"}, "output is 'mean'; expected .* last, those of conv"),
        ({"output": "concat"}, "output is 'concat'; expected one of mean, last"),
        ({"inputs": 2}, "inputs is 2 .* recurrent cells have inputs=1"),
        ({"preprocess": ("relu", "relu")}, r"preprocess \('relu', 'relu'\); recurrent cells have"),
    ],
)
def test_what_is_no_recurrent_cell_is_refused(changes, reason):
    plain = {field.name: getattr(DARTS_RNN, field.name) for field in dataclasses.fields(Space)}
    with pytest.raises(UserError, match=reason):
        Space(**{**plain, "edges": None, **changes})


def test_a_network_for_images_refuses_recurrent_cells():
    reason = "the space '{}' has recurrent cells; {} is made of convolutional ones, .* darts_cnn"
    with pytest.raises(UserError, match=r"input_shape is \(8, 8, 3\); .* reads texts"):
        Supernet("darts_rnn", (8, 8, 3), 10)
    with pytest.raises(UserError, match=reason.format("enas_rnn", "a network for images")):
        build_network(genotypes.get("RNN_ENAS"), (8, 8, 3), 10)


def test_random_cells():
    genotype = genotypes.get("random:darts_rnn:1")
    (cell,) = genotype.cells.values()
    assert [len(node) for node in cell.nodes] == [1] * 8
    assert {edge.operation for edge in cell.edges} <= {"tanh", "relu", "sigmoid", "identity"}
    assert genotype != genotypes.get("random:darts_rnn:2")
