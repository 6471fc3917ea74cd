"""The results of searches: cells as values, as JSON, by name, and as NAS-Bench-201's strings."""

from darts_tf.genotypes.cell_genotype import CellGenotype, Edge
from darts_tf.genotypes.genotype import Genotype
from darts_tf.genotypes.named import get
from darts_tf.genotypes.sampling import sample

__all__ = ["CellGenotype", "Edge", "Genotype", "get", "sample"]
