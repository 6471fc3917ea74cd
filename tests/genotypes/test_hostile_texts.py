"""Texts that are no genotypes, some of them meant to do harm."""

import json

import pytest

from darts_tf import genotypes
from darts_tf.common.errors import UserError
from darts_tf.genotypes import literals
from tests.genotypes.test_texts import DARTS_V2

FIVE_NODES = {
    f"normal/{kind}_{node}_{slot}": value
    for node in range(2, 7)
    for slot in (0, 1)
    for kind, value in (("op", "none"), ("input", slot))
}
HOSTILE = {
    "a call": ("Genotype(normal=__import__('os').system('touch /x'))", "'os'|cannot read|no value"),
    "another call": ("Genotype(normal=open('/etc/passwd'), reduce=[])", "expected a list"),
    "an attribute": ("Genotype(normal=().__class__.__bases__)", r"got|cannot read|expected"),
    "a comprehension": (
        "Genotype(normal=[x for x in range(9)], normal_concat=[2])",
        "'x' is no value",
    ),
    "a huge range": ("Genotype(normal=[('none', 0)], normal_concat=range(10**9))", "cannot read"),
    "a large range": (
        "Genotype(normal=[('none', 0)], normal_concat=range(0, 999999999))",
        "more numbers than a cell has nodes",
    ),
    "nested": ("Genotype(normal=" + "[" * 5000, "nested more than 10 deep"),
    "nested in itself": ("Genotype(" * 5000, "nested more than 10 deep|ends within"),
    "nested JSON": ("[" * 100_000, "nested too deeply|nested more than"),
    "long": ("Genotype(normal=[" + "('none', 0), " * 50_000, "longer than 100,000 characters"),
    "a long number": (f"Genotype(normal=[('none', {'9' * 5000})])", "no number that a genotype"),
    "not a number": (DARTS_V2.replace(", 2)", ", nan)"), "'nan' is no value"),
    "a fraction": (DARTS_V2.replace(", 2)", ", 0.5)"), r"expected \(operation, node\)"),
    "an unknown operation": (DARTS_V2.replace("dil_", "del_"), "unknown operation 'del_conv_3x3'"),
    "a later node": (
        DARTS_V2.replace("('dil_conv_3x3', 2)", "('dil_conv_3x3', 5)"),
        "no edge from",
    ),
    "an odd list": (DARTS_V2.replace("('sep_conv_3x3', 0), ", "", 1), "7 pairs; a flat list has 2"),
    "another field": (DARTS_V2[:-1] + ", evil=3)", "evil: expected a list"),
    "half a node": ("Genotype(normal=[('none', 0)] , reduce=[])", "1 pairs; a flat list has 2"),
    "no cell": ("Genotype(concat=range(2, 6))", "no cell in it"),
    "one node": (
        "Genotype(recurrent=[('tanh', 0)], concat=[1])",
        "no space has cells such as",
    ),
    "nni without an input": ('{"normal/op_2_0": "none"}', "normal/input_2_0: expected"),
    "nni of five nodes": (
        json.dumps(FIVE_NODES),
        "5 nodes; only of its DARTS space",
    ),
    "nni's switch": ('{"normal_n2_p0": 9, "normal_n2_switch": [0, 1]}', "normal_n2_p0: expected"),
    "naslib's numbers": ("(0, 0, 0, 0, 0, 5)", "no operations of NASLib's"),
    "compact pairs": (
        "(((0, 3), (1, 3)), ((0, 1), (1, 1)))",
        "no genotype in",
    ),
    "an index": ("15625", "architectures 0 to 15624"),
    "a list of texts": ("['a', 'b']", "expected an object|no genotype"),
    "an object": ("{}", "schema_version is None"),
    "prose": ("it found a good Genotype() today", "no genotype in 'it found"),
}


@pytest.mark.parametrize(("text", "message"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_genotype_is_refused_in_one_line(text, message):
    with pytest.raises(UserError, match=message) as caught:
        genotypes.from_text(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_nothing_is_called():
    value, end = literals.read("Genotype(normal=os.system('rm'), x=np.int64(3)) ...")
    assert value == literals.Call(
        "Genotype", (), {"normal": literals.Call("system", ("rm",), {}), "x": 3}
    )
    assert end == len("Genotype(normal=os.system('rm'), x=np.int64(3))")
