import dataclasses

import pytest

from darts_tf import Supernet, genotypes, spaces
from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, Genotype
from darts_tf.spaces import TWO_INPUT_RNN, copies, node_names
from darts_tf.spaces.two_input_rnn import chain, found_in


def test_it_is_a_chain_with_one_edge_a_node():
    assert TWO_INPUT_RNN.edges == ((0, 0), (1, 1), (2, 2), (3, 3))
    assert TWO_INPUT_RNN.concat == (4,) and TWO_INPUT_RNN.kind == "two_input"
    assert spaces.get("two_input_rnn") == chain(4)
    assert spaces.get(spaces.serialize(chain(2))) == chain(2)


def test_a_node_with_another_edge_is_refused():
    with pytest.raises(UserError, match=r"chains, each node with one edge, .* got .*\(1, 0\)"):
        dataclasses.replace(TWO_INPUT_RNN, nodes=2, edges=[(0, 0), (1, 0)])


def test_copies_have_names_of_their_own():
    assert copies.kind_of("tanh:2") == "tanh" == copies.kind_of("tanh")
    assert copies.next_copy("tanh", ["tanh"]) == "tanh:2"
    assert copies.next_copy("tanh:2", ["tanh", "tanh:2"]) == "tanh:3"


def test_what_is_found_has_no_copies():
    grown = chain(2, ("tanh", "gated", "tanh:2"))
    grown = grown.restrict({"recurrent": [["tanh", "tanh:2"], ["gated"]]})
    assert found_in(grown) == chain(2, ("tanh", "gated"))


def test_names():
    nodes = [[("tanh", 0)], [("gated", 1), ("identity", 1)]]
    assert node_names.cell_text(nodes, [2], 1, "two_input") == (
        "node 1 = tanh(0), node 2 = gated(1) + identity(1), h_t = node 2"
    )
    assert node_names.node_name(0, 1, "two_input") == "node 0 (h_{t-1})"
    assert "all operations also read x_t" in node_names.legend(1, "two_input")


def test_random_cells_and_files():
    genotype = genotypes.get("random:two_input_rnn:1")
    assert [len(node) for node in genotype["recurrent"].nodes] == [1] * 4
    assert Genotype.from_json(genotype.to_json()) == genotype
    short = Genotype(chain(1), {"recurrent": CellGenotype([[("gated", 0)]], [1])})
    assert Genotype.from_json(short.to_json()) == short


def test_a_supernet():
    supernet = Supernet("two_input_rnn", (None,), num_classes=11, channels=4)
    (alpha,) = supernet.architecture_variables
    assert alpha.shape == (4, 6)
    # The embedding, its bias, and of every node 5 biases and 6 pairs of matrices.
    assert sum(v.numpy().size for v in supernet.weight_variables) == 11 * 4 + 11 + 4 * (
        5 * 4 + 6 * 2 * 16
    )
