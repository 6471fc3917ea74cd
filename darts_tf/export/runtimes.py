"""Exported files as their own runtimes run them: ONNX Runtime and LiteRT."""

from pathlib import Path

import numpy as np

from darts_tf.common import standard_error
from darts_tf.common.errors import UserError, reason

# Between neighbouring 8-bit numbers.
_LARGEST_SCALE = 1e30


class OnnxModel:
    """A file of ONNX, loaded by ONNX Runtime on the CPU.

    Args:
        path: the file.
        threads: how many work on one operation; 0 for as many as there are cores.

    Raises:
        UserError: ONNX Runtime refuses it.
    """

    def __init__(self, path: Path, threads: int = 0):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Errors only: it warns of what it has optimised away.
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # Kinds of its own, all of them about this one file.
            raise _refused("ONNX Runtime", error) from error
        self._names = [output.name for output in self._session.get_outputs()]

    def __call__(self, **inputs) -> dict[str, np.ndarray]:
        """The answers by name to arrays by name."""
        try:
            arrays = {name: np.asarray(value) for name, value in inputs.items()}
            answers = self._session.run(None, arrays)
        except Exception as error:
            raise _refused("ONNX Runtime", error) from error
        return dict(zip(self._names, answers, strict=True))


class LiteRTModel:
    """A file of LiteRT, loaded by its interpreter on the CPU.

    Args:
        path: the file.
        threads: how many work on one operation; None for LiteRT's default.

    Raises:
        UserError: the interpreter refuses it.
    """

    def __init__(self, path: Path, threads: int | None = None):
        from ai_edge_litert.interpreter import Interpreter

        self._path = str(path)
        try:
            # Which says that it runs on the CPU.
            with standard_error.discarded():
                # The runner does not keep it alive.
                self._interpreter = Interpreter(model_path=self._path, num_threads=threads)
                self._check_scales()
                self._interpreter.allocate_tensors()
                self._run = self._interpreter.get_signature_runner("serving_default")
        except UserError:
            raise
        except Exception as error:
            raise _refused("LiteRT", error) from error

    def _check_scales(self) -> None:
        """Refuses ranges of values that the interpreter would end the process for."""
        for tensor in self._interpreter.get_tensor_details():
            scales = tensor["quantization_parameters"]["scales"]
            if not np.all(scales < _LARGEST_SCALE):
                raise UserError(
                    f"in int8 the values of {tensor['name']:.80} would be {scales.max():.0e} "
                    "apart, because one of them is as large as a float can be; nothing was "
                    "exported; try float16"
                )

    def __call__(self, **inputs) -> dict[str, np.ndarray]:
        """The answers by name to arrays by name."""
        try:
            return self._run(**{name: np.asarray(value) for name, value in inputs.items()})
        except Exception as error:
            raise _refused("LiteRT", error) from error

    def float_operations(self) -> tuple[int, int]:
        """How many operations take a float tensor, of how many there are."""
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        # As they are in the file: delegates put several into one.
        kind = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = Interpreter(model_path=self._path, experimental_op_resolver_type=kind)
        floats = {
            tensor["index"]
            for tensor in interpreter.get_tensor_details()
            if tensor["dtype"] in (np.float32, np.float16)
        }
        operations = interpreter._get_ops_details()
        return sum(bool(floats & {*one["inputs"]}) for one in operations), len(operations)


def _refused(name: str, error: Exception) -> UserError:
    return UserError(
        f"{name} does not run the export: {reason(error):.300}; nothing was exported; leave that "
        "format out"
    )
