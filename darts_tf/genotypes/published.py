"""The published cells by name, each with its paper.

The cells are those of the authors' own repositories (`PublishedGenotype.repository`). An edge is
written as `operation input`, a node as the sum of its edges.
"""

import types

from darts_tf.genotypes import papers
from darts_tf.genotypes.cell_genotype import CellGenotype, Edge
from darts_tf.genotypes.genotype import Genotype
from darts_tf.genotypes.publication import PublishedGenotype
from darts_tf.genotypes.published_recurrent import RECURRENT


def _cell(*nodes: str, concat: tuple[int, ...] = (2, 3, 4, 5)) -> CellGenotype:
    """Reads nodes that are written as `operation input + operation input`."""
    return CellGenotype(
        nodes=tuple(
            tuple(
                Edge(operation, int(source))
                for operation, source in (edge.split() for edge in node.split("+"))
            )
            for node in nodes
        ),
        concat=concat,
    )


def _darts(normal: CellGenotype, reduce: CellGenotype) -> Genotype:
    return Genotype("darts_cnn", {"normal": normal, "reduce": reduce})


def _nas_bench_201(*nodes: str) -> Genotype:
    return Genotype("nas_bench_201", {"normal": _cell(*nodes, concat=(3,))})


def _nasnet(normal: CellGenotype, reduce: CellGenotype) -> Genotype:
    return Genotype("nasnet", {"normal": normal, "reduce": reduce})


_GENOTYPES: dict[str, PublishedGenotype] = {
    # DARTS, first order.
    "DARTS_V1": PublishedGenotype(
        _darts(
            normal=_cell(
                "sep_conv_3x3 1 + sep_conv_3x3 0",
                "skip_connect 0 + sep_conv_3x3 1",
                "skip_connect 0 + sep_conv_3x3 1",
                "sep_conv_3x3 0 + skip_connect 2",
            ),
            reduce=_cell(
                "max_pool_3x3 0 + max_pool_3x3 1",
                "skip_connect 2 + max_pool_3x3 0",
                "max_pool_3x3 0 + skip_connect 2",
                "skip_connect 2 + avg_pool_3x3 0",
            ),
        ),
        papers.DARTS,
        "quark0/darts",
        test_error=3.00,
    ),
    # DARTS, second order.
    "DARTS_V2": PublishedGenotype(
        _darts(
            normal=_cell(
                "sep_conv_3x3 0 + sep_conv_3x3 1",
                "sep_conv_3x3 0 + sep_conv_3x3 1",
                "sep_conv_3x3 1 + skip_connect 0",
                "skip_connect 0 + dil_conv_3x3 2",
            ),
            reduce=_cell(
                "max_pool_3x3 0 + max_pool_3x3 1",
                "skip_connect 2 + max_pool_3x3 1",
                "max_pool_3x3 0 + skip_connect 2",
                "skip_connect 2 + max_pool_3x3 1",
            ),
        ),
        papers.DARTS,
        "quark0/darts",
        test_error=2.76,
    ),
    "PC_DARTS_CIFAR": PublishedGenotype(
        _darts(
            normal=_cell(
                "sep_conv_3x3 1 + skip_connect 0",
                "sep_conv_3x3 0 + dil_conv_3x3 1",
                "sep_conv_5x5 0 + sep_conv_3x3 1",
                "avg_pool_3x3 0 + dil_conv_3x3 1",
            ),
            reduce=_cell(
                "sep_conv_5x5 1 + max_pool_3x3 0",
                "sep_conv_5x5 1 + sep_conv_5x5 2",
                "sep_conv_3x3 0 + sep_conv_3x3 3",
                "sep_conv_3x3 1 + sep_conv_3x3 2",
            ),
        ),
        papers.PC_DARTS,
        "yuhuixu1993/PC-DARTS",
        test_error=2.57,
    ),
    "PDARTS": PublishedGenotype(
        _darts(
            normal=_cell(
                "skip_connect 0 + dil_conv_3x3 1",
                "skip_connect 0 + sep_conv_3x3 1",
                "sep_conv_3x3 1 + sep_conv_3x3 3",
                "sep_conv_3x3 0 + dil_conv_5x5 4",
            ),
            reduce=_cell(
                "avg_pool_3x3 0 + sep_conv_5x5 1",
                "sep_conv_3x3 0 + dil_conv_5x5 2",
                "max_pool_3x3 0 + dil_conv_3x3 1",
                "dil_conv_3x3 1 + dil_conv_5x5 3",
            ),
        ),
        papers.PDARTS,
        "chenxin061/pdarts",
        test_error=2.50,
    ),
    # SNAS under a mild, a moderate and an aggressive constraint on its resources.
    "SNAS_MILD": PublishedGenotype(
        _darts(
            normal=_cell(
                "sep_conv_3x3 0 + sep_conv_3x3 1",
                "skip_connect 0 + dil_conv_3x3 1",
                "skip_connect 0 + skip_connect 1",
                "skip_connect 0 + sep_conv_3x3 1",
            ),
            reduce=_cell(
                "max_pool_3x3 0 + max_pool_3x3 1",
                "max_pool_3x3 1 + skip_connect 2",
                "max_pool_3x3 1 + skip_connect 2",
                "max_pool_3x3 0 + dil_conv_5x5 2",
            ),
        ),
        papers.SNAS,
        "SNAS-Series/SNAS-Series",
        test_error=2.98,
    ),
    "SNAS_MODERATE": PublishedGenotype(
        _darts(
            normal=_cell(
                "dil_conv_5x5 0 + skip_connect 1",
                "sep_conv_3x3 0 + skip_connect 1",
                "skip_connect 0 + skip_connect 1",
                "sep_conv_3x3 0 + dil_conv_5x5 1",
            ),
            reduce=_cell(
                "max_pool_3x3 0 + max_pool_3x3 1",
                "sep_conv_5x5 0 + dil_conv_5x5 1",
                "sep_conv_5x5 0 + sep_conv_5x5 1",
                "sep_conv_5x5 0 + sep_conv_5x5 1",
            ),
        ),
        papers.SNAS,
        "SNAS-Series/SNAS-Series",
        test_error=2.85,
    ),
    # Its reduction cell leaves six edges out ("none"): two of its nodes are all zeros.
    "SNAS_AGGRESSIVE": PublishedGenotype(
        _darts(
            normal=_cell(
                "sep_conv_5x5 0 + skip_connect 1",
                "skip_connect 0 + skip_connect 1",
                "dil_conv_5x5 1 + skip_connect 0",
                "skip_connect 0 + dil_conv_5x5 1",
            ),
            reduce=_cell(
                "sep_conv_5x5 0 + none 1",
                "sep_conv_5x5 0 + none 1",
                "none 1 + none 0",
                "none 1 + none 0",
            ),
        ),
        papers.SNAS,
        "SNAS-Series/SNAS-Series",
    ),
    # The cell that the repository calls GDAS_V1: normal and reduction cell both searched.
    "GDAS": PublishedGenotype(
        _darts(
            normal=_cell(
                "skip_connect 0 + skip_connect 1",
                "skip_connect 0 + sep_conv_5x5 2",
                "sep_conv_3x3 3 + skip_connect 0",
                "sep_conv_5x5 4 + sep_conv_3x3 3",
            ),
            reduce=_cell(
                "sep_conv_5x5 0 + sep_conv_3x3 1",
                "sep_conv_5x5 2 + sep_conv_5x5 1",
                "dil_conv_5x5 2 + sep_conv_3x3 1",
                "sep_conv_5x5 0 + sep_conv_5x5 1",
            ),
        ),
        papers.GDAS,
        "D-X-Y/AutoDL-Projects",
        test_error=2.93,
    ),
    # NASNet-A and AmoebaNet-A as the DARTS repository writes them down.
    "NASNET": PublishedGenotype(
        _nasnet(
            normal=_cell(
                "sep_conv_5x5 1 + sep_conv_3x3 0",
                "sep_conv_5x5 0 + sep_conv_3x3 0",
                "avg_pool_3x3 1 + skip_connect 0",
                "avg_pool_3x3 0 + avg_pool_3x3 0",
                "sep_conv_3x3 1 + skip_connect 1",
                concat=(2, 3, 4, 5, 6),
            ),
            reduce=_cell(
                "sep_conv_5x5 1 + sep_conv_7x7 0",
                "max_pool_3x3 1 + sep_conv_7x7 0",
                "avg_pool_3x3 1 + sep_conv_5x5 0",
                "skip_connect 3 + avg_pool_3x3 2",
                "sep_conv_3x3 2 + max_pool_3x3 1",
                concat=(4, 5, 6),
            ),
        ),
        papers.NASNET,
        "quark0/darts",
        test_error=2.65,
    ),
    "AMOEBANET": PublishedGenotype(
        _nasnet(
            normal=_cell(
                "avg_pool_3x3 0 + max_pool_3x3 1",
                "sep_conv_3x3 0 + sep_conv_5x5 2",
                "sep_conv_3x3 0 + avg_pool_3x3 3",
                "sep_conv_3x3 1 + skip_connect 1",
                "skip_connect 0 + avg_pool_3x3 1",
                concat=(4, 5, 6),
            ),
            reduce=_cell(
                "avg_pool_3x3 0 + sep_conv_3x3 1",
                "max_pool_3x3 0 + sep_conv_7x7 2",
                "sep_conv_7x7 0 + avg_pool_3x3 1",
                "max_pool_3x3 0 + max_pool_3x3 1",
                "conv_7x1_1x7 0 + sep_conv_3x3 5",
                concat=(3, 4, 6),
            ),
        ),
        papers.AMOEBANET,
        "quark0/darts",
        test_error=3.34,
    ),
    # The cell that the repository calls DrNAS_cifar10.
    "DRNAS": PublishedGenotype(
        _darts(
            normal=_cell(
                "sep_conv_3x3 0 + sep_conv_5x5 1",
                "sep_conv_3x3 1 + sep_conv_3x3 2",
                "skip_connect 0 + sep_conv_3x3 1",
                "sep_conv_3x3 2 + dil_conv_5x5 3",
            ),
            reduce=_cell(
                "max_pool_3x3 0 + sep_conv_5x5 1",
                "dil_conv_5x5 2 + sep_conv_5x5 1",
                "sep_conv_5x5 1 + dil_conv_5x5 3",
                "skip_connect 4 + sep_conv_5x5 1",
            ),
        ),
        papers.DRNAS,
        "xiangning-chen/DrNAS",
        test_error=2.46,
    ),
    # What its authors compare the cells of NAS-Bench-201 with: a residual block of He et al.,
    # CVPR 2016, and convolutions on all edges. Nobody has searched them.
    "NAS_BENCH_201_RESNET": PublishedGenotype(
        _nas_bench_201(
            "nor_conv_3x3 0",
            "none 0 + nor_conv_3x3 1",
            "skip_connect 0 + none 1 + skip_connect 2",
        ),
        papers.NAS_BENCH_201,
        "D-X-Y/AutoDL-Projects",
    ),
    "NAS_BENCH_201_CONVOLUTIONS": PublishedGenotype(
        _nas_bench_201(
            "nor_conv_3x3 0",
            "nor_conv_3x3 0 + nor_conv_3x3 1",
            "nor_conv_3x3 0 + nor_conv_3x3 1 + nor_conv_3x3 2",
        ),
        papers.NAS_BENCH_201,
        "D-X-Y/AutoDL-Projects",
    ),
}

#: All published cells by name, to be read.
GENOTYPES = types.MappingProxyType({**_GENOTYPES, **RECURRENT})
