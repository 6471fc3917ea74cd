"""A model's inputs and outputs, as plain data: without TensorFlow, quick to send to a process."""

import dataclasses
import math

import numpy as np

from darts_tf.serving.errors import RequestError

DEFAULT_SIGNATURE = "serving_default"
BYTES_SIGNATURE = "serving_bytes"
#: The input of that signature; all other strings are texts.
IMAGE_BYTES = "image_bytes"
#: Writes texts.
GENERATE_SIGNATURE = "generate"


@dataclasses.dataclass(frozen=True)
class Spec:
    """One input or output.

    Attributes:
        dtype: `uint8`, `int32`, `int64`, `float32` or `string`.
        shape: its sizes; None where any size fits. () is a single value.
    """

    dtype: str
    shape: tuple[int | None, ...]


@dataclasses.dataclass(frozen=True)
class Interface:
    """A served model's names, version and signatures.

    Attributes:
        name: the model's name in addresses.
        version: the served version.
        all_inputs: the inputs by name of each signature by name.
        all_outputs: the same of the outputs, sorted.
        examples: what the elements of a batch are called.
    """

    name: str
    version: int
    all_inputs: dict[str, dict[str, Spec]]
    all_outputs: dict[str, dict[str, Spec]]
    examples: str = "images"

    @property
    def signatures(self) -> list[str]:
        """The names of the signatures."""
        return sorted(self.all_inputs)

    def check_name(self, name: str, version: str) -> None:
        """Raises `RequestError` if a request is for another model or version; "" is any version."""
        if name != self.name:
            raise RequestError(
                404, f"there is no model {name!r:.100}; this server has {self.name!r}"
            )
        if version not in ("", str(self.version)):
            raise RequestError(
                404,
                f"there is no version {version!r:.100} of {name!r}; "
                f"this server has version {self.version}",
            )

    def inputs(self, signature: str) -> dict[str, Spec]:
        """The inputs of a signature by name.

        Raises:
            RequestError: there is no such signature.
        """
        if signature not in self.all_inputs:
            raise RequestError(
                400,
                f"there is no signature {signature!r:.200}; this model has: "
                + ", ".join(self.signatures),
            )
        return self.all_inputs[signature]

    def outputs(self, signature: str) -> dict[str, Spec]:
        """The outputs of a signature by name, sorted."""
        return self.all_outputs[signature]

    def answer_values(self, query: "Query") -> int:
        """The number of values in the answer to a query; sizes that are open are the inputs'."""
        steps = max(
            (array.shape[1] for array in query.inputs.values() if array.ndim > 1), default=1
        )
        return query.size * sum(
            math.prod(steps if size is None else size for size in spec.shape[1:])
            for spec in self.outputs(query.signature).values()
        )


@dataclasses.dataclass(frozen=True)
class Query:
    """The content of a request, whatever its protocol.

    Attributes:
        signature: the name of the signature.
        inputs: one array `[B, ...]` for each of its inputs, B >= 1.
        form: what the protocol needs to write the answer.
        pixels: how many pixels, or other values, were sent, in image files too.
        json_answer: whether the answer is written as JSON, which takes long for many values.
    """

    signature: str
    inputs: dict[str, np.ndarray]
    form: object
    pixels: int
    json_answer: bool = True

    @classmethod
    def of(
        cls,
        signature: str,
        counted: dict[str, tuple[np.ndarray, int]],
        form,
        json_answer: bool = True,
    ) -> "Query":
        """A query of arrays that come with the number of their pixels."""
        arrays = {name: array for name, (array, _) in counted.items()}
        pixels = sum(pixels for _, pixels in counted.values())
        return cls(signature, arrays, form, pixels, json_answer)

    @property
    def size(self) -> int:
        """B, the number of images or texts; 1 where the inputs are single values."""
        first = next(iter(self.inputs.values()))
        return len(first) if first.ndim else 1
