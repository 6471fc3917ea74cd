#!/usr/bin/env bash
# nats_bench 1.8: TopologyStructure.to_unique_str(consider_zero=True), whose strings should be equal
# for cells that compute the same, and which gives the benchmark's known 6,466 different cells of
# 15,625, gives many cells that compute the same different strings. A node that is zero is
# recognised only where it has one input (its text is "#", of two "#+#"), zeros stay in sums, and
# the terms that a skip connection passes on are sorted apart from the others.
#
# Seen: 15,625 cells, 6,466 strings, 4,930 different functions (as the method itself has it, an
# operation of zero is zero, and operations of one name are one function wherever they are; a sum has
# no order); of these 623 functions have several strings, and no string has two functions. Cells that
# are zero have five.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nats-bench==1.8 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import collections
import importlib.metadata
import itertools

import numpy as np
from nats_bench.genotype_utils import TopologyStructure

print("nats_bench", importlib.metadata.version("nats-bench"))
NAMES = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
cells = [
    TopologyStructure([((a, 0),), ((b, 0), (c, 1)), ((d, 0), (e, 1), (f, 2))])
    for a, b, c, d, e, f in itertools.product(NAMES, repeat=6)
]

# Every operation stands for some function with f(0) = 0: integers, so that equal is equal.
PRIME = 2**31 - 1
random = np.random.default_rng(0)
MATRICES = {name: random.integers(1, PRIME, (4, 4)).astype(object) for name in NAMES[2:]}
INPUT = random.integers(1, PRIME, 4).astype(object)


def computed(cell):
    nodes = [INPUT]
    for inputs in cell.nodes:
        total = np.zeros(4, object)
        for name, source in inputs:
            if name == "skip_connect":
                total = total + nodes[source]
            elif name != "none":
                x = MATRICES[name].dot(nodes[source])
                total = total + x * (x + 1)  # not linear, and no power
        nodes.append(total % PRIME)
    return tuple(nodes[-1])


strings = collections.defaultdict(set)
functions = collections.defaultdict(set)
for cell in cells:
    text, function = cell.to_unique_str(consider_zero=True), computed(cell)
    strings[function].add(text)
    functions[text].add(function)
several = [texts for texts in strings.values() if len(texts) > 1]
zero = strings[(0, 0, 0, 0)]
print(f"{len(cells)} cells, {len(functions)} strings, {len(strings)} functions;")
print(f"{len(several)} functions have several strings; the zero function has {len(zero)}, such as")
print("  ", *sorted(zero, key=len)[:3], sep="  ")
assert len(functions) == 6466, "changed: another number of strings"
assert len(strings) == 4930, "changed: another number of functions"
assert all(len(found) == 1 for found in functions.values()), "changed: a string of two functions"
assert len(zero) > 1, "changed: cells that are zero have one string"
print("as described")
PYTHON
