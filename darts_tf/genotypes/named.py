"""Genotypes by name: published cells, files, what other programs print, random ones."""

import os
import re

from darts_tf import spaces
from darts_tf.common.errors import UserError
from darts_tf.genotypes import nas_bench_201, published, stored, texts
from darts_tf.genotypes.genotype import Genotype
from darts_tf.genotypes.sampling import sample


def get(name_or_path: str) -> Genotype:
    """A genotype by name, from a file or a run's folder, or as other programs write theirs.

    *   The name of a published cell.
    *   `random:SEED`, a random genotype of the space `darts_cnn`, or `random:SPACE:SEED`, one of
        another space; see `sample`.
    *   `nas_bench_201:INDEX`, or the index alone: that of the benchmark.
    *   A file, be it a log, or the folder of a run; see `darts_tf.genotypes.stored.load`.
    *   A text: `Genotype(normal=[...], ...)` as PyTorch's repositories print it, a string of
        NAS-Bench-201 and others; see `from_text`.

    Raises:
        UserError: it is none of these, or what it names is no genotype.
    """
    if name_or_path in published.GENOTYPES:
        return published.GENOTYPES[name_or_path].genotype
    if match := re.fullmatch(r"random:(?:(\w+):)?(\d{1,18})", name_or_path):
        return sample(spaces.get(match[1] or "darts_cnn"), int(match[2]))
    if match := re.fullmatch(r"nas_bench_201:(\d{1,18})", name_or_path):
        return nas_bench_201.from_index(int(match[1]))
    if os.path.exists(name_or_path):
        return stored.load(name_or_path)
    if name_or_path.startswith("|"):
        return nas_bench_201.from_string(name_or_path)
    # What looks like the path of a file that there is not is no such text.
    if re.search(r"Genotype\(|[{|]|^\s*[(\[]|^\s*\d+\s*$", name_or_path):
        return texts.from_text(name_or_path)
    raise UserError(
        f"{name_or_path!r} is neither a genotype file nor random:SEED nor one of the published "
        "cells: " + ", ".join(published.GENOTYPES)
    )
