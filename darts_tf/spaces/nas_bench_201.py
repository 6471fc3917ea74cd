"""The space of NAS-Bench-201 (Dong, Yang, ICLR 2020, section 2.1).

Nodes are numbered 0 to 3 there; node 0 is the cell's input, so 3 nodes remain here. The edges are
in the order of the benchmark's strings: 1<-0 | 2<-0, 2<-1 | 3<-0, 3<-1, 3<-2.
"""

from darts_tf.spaces.space import Space

NAS_BENCH_201 = Space(
    name="nas_bench_201",
    operations=("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"),
    nodes=3,
    inputs=1,
    edges_per_node=None,
    cell_types=("normal",),
    selects_none=True,
    output="last",
    preprocess=None,
    normalized_pooling=False,
    macro="nas_bench_201",
)
