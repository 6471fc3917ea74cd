"""A published cell: the cell, its paper and what its authors report of it."""

import dataclasses

from darts_tf.genotypes.genotype import Genotype


@dataclasses.dataclass(frozen=True)
class Paper:
    """Where a cell was published."""

    authors: str
    title: str
    venue: str
    arxiv: str

    def __str__(self):
        return f"{self.authors}: {self.title}. {self.venue}, arXiv:{self.arxiv}"


@dataclasses.dataclass(frozen=True)
class PublishedGenotype:
    """A cell of the literature.

    Attributes:
        genotype: the cell.
        paper: where it was published.
        repository: the GitHub repository, `owner/name`, that the cell was read from.
        test_error: the CIFAR-10 test error in percent that its authors report (the mean where
            they give one), or None where no figure could be checked. It was measured with the
            authors' own training, which is much longer than this project's examples.
        test_perplexity: the same for recurrent cells, on the Penn Treebank.
    """

    genotype: Genotype
    paper: Paper
    repository: str
    test_error: float | None = None
    test_perplexity: float | None = None
