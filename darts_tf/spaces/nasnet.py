"""The cells of NASNet and AmoebaNet, as DARTS writes them down: five nodes, three more operations.

Zoph et al., CVPR 2018; Real et al., AAAI 2019. These cells were found by other searches; here
they can be trained from scratch and compared, not searched for.
"""

from darts_tf.spaces.darts_cnn import DARTS_CNN
from darts_tf.spaces.space import Space

NASNET = Space(
    name="nasnet",
    operations=DARTS_CNN.operations + ("sep_conv_7x7", "conv_7x1_1x7", "conv_3x1_1x3"),
    nodes=5,
    searchable=False,
)
