"""A traced step as a program that JAX runs without TensorFlow.

TensorFlow's XLA bridge makes HLO of the graph, jaxlib StableHLO of that, and `jax.export` a file of
it that `jax.export.deserialize` reads: with versions of JAX up to some months apart, on every
platform that it has.
"""

import contextlib
import dataclasses
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from darts_tf.benchmark import xla_draws
from darts_tf.common.compiled_elsewhere import compiled_elsewhere
from darts_tf.common.errors import UserError

#: What is needed on top of requirements.txt.
REQUIREMENTS = "requirements-lower.txt"


@dataclasses.dataclass(frozen=True)
class Program:
    """A step as `jax.export` serializes it.

    Its arguments are the arrays of a batch and then the state, its results those that the step
    returns and then the state after it, in the order of the state before it.

    Attributes:
        exact: the program; float32 is multiplied as float32.
        fast: the same where the hardware may multiply float32 in fewer bits, such as TensorFloat32;
            None where there is no difference, as where nothing is multiplied in float32.
        results: names of what it returns before the state.
        state: which of the variables each array of the state is of.
    """

    exact: bytes
    fast: bytes | None
    results: tuple[str, ...]
    state: tuple[int, ...]


def check_installed() -> None:
    """Looks whether JAX is there, before anything that takes long.

    Raises:
        UserError: it isn't.
    """
    missing = [name for name in ("jax", "jaxlib") if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"--lower needs {' and '.join(missing)} (the CPU build is enough to write a program); "
            f"install with: pip install -r {REQUIREMENTS}"
        )


@contextlib.contextmanager
def _for_xla():
    """A scope to trace a step in that is to be lowered; what it is of is made outside.

    A CPU's layers compute gradients in bfloat16 by way of float32, which an accelerator doesn't
    want, and XLA draws other random numbers than TensorFlow; see `xla_draws`.
    """
    with compiled_elsewhere(), xla_draws.same_under_xla():
        yield


def lower(
    step: Callable[[list[tf.Tensor]], dict[str, tf.Tensor]],
    batch: Sequence[np.ndarray],
    variables: Sequence[keras.Variable],
) -> Program:
    """Lowers a step.

    All that the step reads or writes is an argument of the program and comes back as a result, also
    where the step leaves it as it is: nothing can be lost.

    Args:
        step: from the tensors of a batch to named results; it reads and assigns variables. No part
            of it has been traced before: traces are kept, and those for TensorFlow are others.
        batch: arrays of the shapes and types of every batch.
        variables: all that it may read or assign.

    Raises:
        UserError: JAX is missing or too different from the tested versions, or XLA has no kernel
            for an operation.
    """
    check_installed()
    names = []

    @tf.function(jit_compile=True, autograph=False)
    def run(*tensors):
        results = step(list(tensors))
        names[:] = results
        return list(results.values()), [tf.identity(v) for v in variables]

    # Arrays would be compiled into the program as constants.
    specs = [tf.TensorSpec(a.shape, a.dtype) for a in batch]
    with _for_xla(), _explained():
        captured = run.get_concrete_function(*specs).captured_inputs
        state = _order(captured, variables)
        fast, exact = (_hlo(run, specs, tf32) for tf32 in (True, False))
    arguments = [*batch, *(variables[i].numpy() for i in state)]
    kept = [*range(len(names)), *(len(names) + i for i in state)]
    exact_program, fast_program = (_exported(hlo, arguments, kept) for hlo in (exact, fast))
    same = exact_program == fast_program
    return Program(exact_program, None if same else fast_program, tuple(names), tuple(state))


def _order(captured, variables) -> list[int]:
    """Which of the variables each captured input is of."""
    numbers = {id(v.value.handle): number for number, v in enumerate(variables)}
    unknown = [handle for handle in captured if id(handle) not in numbers]
    if unknown:
        raise RuntimeError(f"the step reads what is in no checkpoint of it: {unknown}")
    return [numbers[id(handle)] for handle in captured]


def _hlo(run, specs, tf32: bool) -> bytes:
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(tf32)
    try:
        return run.experimental_get_compiler_ir(*specs)(stage="hlo_serialized")
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


@contextlib.contextmanager
def _explained():
    """Turns what XLA says of an operation that it doesn't have into a line."""
    try:
        yield
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError, ValueError) as error:
        found = sorted(set(re.findall(r"(\w+) \(No registered '\w+' OpKernel", str(error))))
        if not found:
            raise
        raise UserError(
            f"this step cannot be lowered: XLA has no {' and no '.join(found)}. Methods and "
            "operations that do not need it can"
        ) from error


def _exported(hlo: bytes, arguments: Sequence[np.ndarray], kept: Sequence[int]) -> bytes:
    """A program of the results `kept` of a module in HLO."""
    if "jax" not in sys.modules:
        # Nothing is run here, and a GPU's memory is not taken from TensorFlow.
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    from jax import export

    specs = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in arguments]
    with jax.enable_x64(True):
        given = [(tuple(s.shape), s.dtype.name) for s in specs]
        artifact, types = _stablehlo(hlo, given, kept)

        # Its own program is replaced: JAX fills in what else there is to say of one.
        def of_same_types(*arrays):
            del arrays
            return [jax.numpy.zeros(shape, dtype) for shape, dtype in types]

        frame = export.export(
            jax.jit(of_same_types, keep_unused=True),
            platforms=["cpu"],
            disabled_checks=[export.DisabledSafetyCheck.platform()],
        )(*specs)
        return bytes(dataclasses.replace(frame, mlir_module_serialized=artifact).serialize())


def _stablehlo(hlo: bytes, given: Sequence[tuple], kept: Sequence[int]) -> tuple[bytes, list]:
    """A module as StableHLO of a stable format, and the shapes and types of its results."""
    try:
        from jax.interpreters import mlir
        from jaxlib import _jax
        from jaxlib.mlir import ir
        from jaxlib.mlir.dialects import func, stablehlo

        text = _jax.mlir.hlo_to_stablehlo(hlo)
        oldest = stablehlo.get_version_from_compatibility_requirement(
            stablehlo.StablehloCompatibilityRequirement.WEEK_12
        )
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"this version of jaxlib does not turn HLO into StableHLO as the tested ones do "
            f"({error}); install one of: pip install -r {REQUIREMENTS}"
        ) from error
    with mlir.make_ir_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        main = ir.SymbolTable(module.operation)["main"]
        _check_arguments(main.type.inputs, given)
        block = main.regions[0].blocks[0]
        *_, end = block.operations
        results = [end.operands[i] for i in kept]
        with ir.InsertionPoint(end):
            func.ReturnOp(results)
        end.operation.erase()
        types = [value.type for value in results]
        signature = ir.FunctionType.get(main.type.inputs, types)
        main.attributes["function_type"] = ir.TypeAttr.get(signature)
        _leave_stablehlo_only(module)
        # Where in which file of this machine an operation was traced is nobody's business.
        module = ir.Module.parse(module.operation.get_asm(enable_debug_info=False))
        artifact = stablehlo.serialize_portable_artifact(module, oldest)
        return artifact, [_shape_and_type(x) for x in types]


def _check_arguments(types, given: Sequence[tuple]) -> None:
    """XLA may take what is captured for a constant, without a word."""
    found = [_shape_and_type(x) for x in types]
    if found != list(given):
        raise RuntimeError(f"the program has arguments {found}; the step's are {given}")


def _leave_stablehlo_only(module) -> None:
    """Removes what XLA alone understands: copies of results, and hints for its own compiler."""
    from jaxlib.mlir.ir import WalkResult

    copies = []

    def look(operation):
        if operation.name == "mhlo.copy":
            copies.append(operation)
        _drop_hints(operation)
        return WalkResult.ADVANCE

    module.operation.walk(look)
    for copy in copies:
        copy.results[0].replace_all_uses_with(copy.operands[0])
        copy.erase()


def _drop_hints(operation) -> None:
    for attribute in list(operation.attributes):
        if attribute.startswith("mhlo."):
            del operation.attributes[attribute]


_TYPES = {"f": "float", "bf": "bfloat", "i": "int", "ui": "uint"}


def _shape_and_type(kind) -> tuple[tuple[int, ...], str]:
    """Of a tensor's type in MLIR, such as `tensor<2x3xbf16>`."""
    from jaxlib.mlir import ir

    kind = ir.RankedTensorType(kind)
    letters, bits = re.fullmatch(r"([a-z]+)(\d+)", str(kind.element_type)).groups()
    return tuple(kind.shape), "bool" if bits == "1" else _TYPES[letters] + bits
