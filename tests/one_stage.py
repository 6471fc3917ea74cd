"""The network of NAS-Bench-201 with one stage of any number of cells, and a space with one edge.

The reductions between three stages take most of the time of a network whose cells have one edge.
"""

from darts_tf import macros, spaces
from darts_tf.layers.stems import Stem
from darts_tf.macros.nas_bench_201 import NormalizedClassifier, ResidualReduction

macros.register(
    macros.Staged(
        "one_stage",
        stem=Stem,
        reduction=ResidualReduction,
        head=NormalizedClassifier,
        stages=1,
        cells=1,
        stems=macros.IMAGE_STEMS,
    )
)
SPACE = spaces.register(
    spaces.Space(
        "one_stage",
        ("none", "skip_connect", "nor_conv_1x1"),
        nodes=1,
        inputs=1,
        cell_types=("normal",),
        preprocess=None,
        macro="one_stage",
    )
).name
