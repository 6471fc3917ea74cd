"""The results of searches: cells as values, by name, as JSON and as other libraries write them."""

from darts_tf.genotypes import naslib, nni, pytorch  # noqa: F401  They register their forms.
from darts_tf.genotypes.alphas import from_alphas
from darts_tf.genotypes.cell_genotype import CellGenotype, Edge
from darts_tf.genotypes.genotype import Genotype
from darts_tf.genotypes.named import get
from darts_tf.genotypes.sampling import sample, sample_learned
from darts_tf.genotypes.texts import from_text

__all__ = [
    "CellGenotype",
    "Edge",
    "Genotype",
    "from_alphas",
    "from_text",
    "get",
    "sample",
    "sample_learned",
]
