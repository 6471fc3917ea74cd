"""The four spaces on which DARTS fails (Zela et al., RobustDARTS, ICLR 2020, section 4).

All have the edges and the network of `darts_cnn`. In S1 every edge has its own two operations; S2
has skip and separable convolution, S3 `none` too, and S4 noise instead of the skip.
"""

import dataclasses

from darts_tf.spaces.darts_cnn import DARTS_CNN

_SHORT = {
    "max": "max_pool_3x3",
    "avg": "avg_pool_3x3",
    "skip": "skip_connect",
    "sep3": "sep_conv_3x3",
    "dil3": "dil_conv_3x3",
    "dil5": "dil_conv_5x5",
}

# In the order of the edges.
_S1 = {
    "normal": """
        skip,dil3 skip,dil5
        skip,dil5 skip,sep3 skip,dil3
        max,skip skip,sep3 skip,sep3 skip,dil3
        skip,sep3 max,skip skip,dil3 dil3,dil5 dil3,dil5
    """,
    "reduce": """
        max,avg max,dil3
        max,avg max,avg skip,dil5
        max,avg max,sep3 skip,dil3 skip,dil5
        max,avg max,avg skip,dil5 skip,dil5 skip,dil5
    """,
}

S1 = dataclasses.replace(
    DARTS_CNN,
    name="s1",
    operations=tuple(_SHORT.values()),
    edge_operations={
        cell_type: [[_SHORT[name] for name in edge.split(",")] for edge in edges.split()]
        for cell_type, edges in _S1.items()
    },
)
S2 = dataclasses.replace(DARTS_CNN, name="s2", operations=("skip_connect", "sep_conv_3x3"))
S3 = dataclasses.replace(DARTS_CNN, name="s3", operations=("none", "skip_connect", "sep_conv_3x3"))
S4 = dataclasses.replace(DARTS_CNN, name="s4", operations=("noise", "sep_conv_3x3"))
