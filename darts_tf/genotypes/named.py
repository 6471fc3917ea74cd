"""Genotypes by name: published cells, files, strings of NAS-Bench-201, random ones."""

import os
import re

from darts_tf import spaces
from darts_tf.common.errors import UserError
from darts_tf.genotypes import nas_bench_201, published
from darts_tf.genotypes.genotype import Genotype
from darts_tf.genotypes.sampling import sample


def get(name_or_path: str) -> Genotype:
    """A published cell, a genotype file, a NAS-Bench-201 string or a random cell, by name.

    `random:SEED` is a random genotype of the space `darts_cnn`, `random:SPACE:SEED` one of another
    space; see `sample`.

    Raises:
        UserError: it is none of these, or the file is no genotype.
    """
    if name_or_path in published.GENOTYPES:
        return published.GENOTYPES[name_or_path].genotype
    if match := re.fullmatch(r"random:(?:(\w+):)?(\d{1,18})", name_or_path):
        return sample(spaces.get(match[1] or "darts_cnn"), int(match[2]))
    if name_or_path.startswith("|"):
        return nas_bench_201.from_string(name_or_path)
    if os.path.exists(name_or_path):
        return Genotype.load(name_or_path)
    raise UserError(
        f"{name_or_path!r} is neither a genotype file nor random:SEED nor one of the published "
        "cells: " + ", ".join(published.GENOTYPES)
    )
