"""The convolutional space of DARTS (Liu, Simonyan, Yang, ICLR 2019, section 3.1)."""

from darts_tf.spaces.space import Space

DARTS_CNN = Space(
    name="darts_cnn",
    operations=(
        "none",
        "max_pool_3x3",
        "avg_pool_3x3",
        "skip_connect",
        "sep_conv_3x3",
        "sep_conv_5x5",
        "dil_conv_3x3",
        "dil_conv_5x5",
    ),
    nodes=4,
)
