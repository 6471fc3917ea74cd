"""The published recurrent cells, each with its paper.

They are those of the file `rnn/genotypes.py` of DARTS' repository, where they are called DARTS_V1,
DARTS_V2 and ENAS. A node is written as `operation input`.
"""

from darts_tf.genotypes import papers
from darts_tf.genotypes.cell_genotype import CellGenotype, Edge
from darts_tf.genotypes.genotype import Genotype
from darts_tf.genotypes.publication import PublishedGenotype


def _genotype(space: str, nodes: str, concat) -> Genotype:
    """Reads nodes that are written as `operation input, operation input`."""
    pairs = [node.split() for node in nodes.split(",")]
    cell = CellGenotype([[Edge(name, int(source))] for name, source in pairs], concat)
    return Genotype(space, {"recurrent": cell})


#: Name -> cell; all of them are in `darts_tf.genotypes.published.GENOTYPES`.
RECURRENT: dict[str, PublishedGenotype] = {
    # DARTS, first order.
    "RNN_DARTS_V1": PublishedGenotype(
        _genotype(
            "darts_rnn",
            "relu 0, relu 1, tanh 2, relu 3, relu 4, identity 1, relu 5, relu 1",
            range(1, 9),
        ),
        papers.DARTS,
        "quark0/darts",
    ),
    # DARTS, second order; the perplexity is that of the repository's trained model.
    "RNN_DARTS_V2": PublishedGenotype(
        _genotype(
            "darts_rnn",
            "sigmoid 0, relu 1, relu 1, identity 1, tanh 2, sigmoid 5, tanh 3, relu 5",
            range(1, 9),
        ),
        papers.DARTS,
        "quark0/darts",
        test_perplexity=55.68,
    ),
    "RNN_ENAS": PublishedGenotype(
        _genotype(
            "enas_rnn",
            "tanh 0, tanh 1, relu 1, tanh 3, tanh 3, relu 3, relu 4, relu 7, relu 8, relu 8, "
            "relu 8",
            (2, 5, 6, 9, 10, 11),
        ),
        papers.ENAS,
        "quark0/darts",
    ),
}
