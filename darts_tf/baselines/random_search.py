"""Random search."""

from darts_tf import genotypes
from darts_tf.baselines.baseline import Baseline


class RandomSearch(Baseline):
    """Uniformly random architectures, independent of each other (with replacement)."""

    name = "random"
    paper = "Li, Talwalkar. Random Search and Reproducibility for NAS. UAI 2019"

    def propose(self, space, history, draw):
        return genotypes.sample(space, draw.getrandbits(48))
