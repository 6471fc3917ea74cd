"""The recurrent space of DARTS (Liu, Simonyan, Yang, ICLR 2019, section 3.1), and that of ENAS.

The input of a cell, node 0, is the state made of x_t and h_{t-1}; every later node is one operation
of one earlier node, and h_t is the mean of the nodes. See `darts_tf.cells.recurrent`.
"""

from darts_tf.spaces.space import Space

DARTS_RNN = Space(
    name="darts_rnn",
    operations=("none", "tanh", "relu", "sigmoid", "identity"),
    nodes=8,
    inputs=1,
    edges_per_node=1,
    cell_types=("recurrent",),
    output="mean",
    preprocess=None,
    macro="language_model",
    kind="recurrent",
)

# The cell of Pham et al., ICML 2018, as DARTS writes it down: eleven nodes, and h_t is the mean of
# those that lead nowhere. It was found by another search; here it can be trained and compared.
ENAS_RNN = Space(
    name="enas_rnn",
    operations=DARTS_RNN.operations,
    nodes=11,
    inputs=1,
    edges_per_node=1,
    cell_types=("recurrent",),
    searchable=False,
    output="mean",
    preprocess=None,
    macro="language_model",
    kind="recurrent",
)
