"""What a search finds: cells as values, as JSON, by name, and as the strings of NAS-Bench-201."""

from darts_tf.genotypes.cell_genotype import CellGenotype, Edge
from darts_tf.genotypes.genotype import Genotype
from darts_tf.genotypes.named import get
from darts_tf.genotypes.sampling import sample

__all__ = ["CellGenotype", "Edge", "Genotype", "get", "sample"]
