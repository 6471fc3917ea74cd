"""An exported language model in memory, ready to foretell and to write."""

import json

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.datasets import vocabulary
from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import DEFAULT_SIGNATURE, GENERATE_SIGNATURE
from darts_tf.serving.loaded_model import LoadedModel

#: Words or characters that one request may ask for: a step can't be given up.
MOST = 5000


class ServedTexts(LoadedModel):
    """The newest version of a model that `darts_tf.export.language_model` wrote.

    Args:
        directory, name: see `LoadedModel`.

    Attributes:
        unit: `words` or `characters`.
        vocabulary: the word or character of each number.
    """

    page = "text.html"
    examples = "texts"
    step_images = 32

    def _read_assets(self, assets):
        described = json.loads((assets / "text.json").read_text(encoding="utf-8"))
        self.unit, self.vocabulary = described["unit"], described["vocabulary"]
        self.inputs(DEFAULT_SIGNATURE)["tokens"]

    def about(self):
        size = len(self.vocabulary)
        return {**super().about(), "unit": self.unit, "vocabulary_size": size, "most": MOST}

    def steps(self, signature, inputs):
        if signature == GENERATE_SIGNATURE:
            yield self._write(inputs)
            return
        _check_rows(inputs)
        yield from super().steps(signature, inputs)

    def prepare(self, signature, inputs, start=0):
        _check_rows(inputs)
        tokens, size = inputs["tokens"], len(self.vocabulary)
        if outside := tokens[(tokens < 0) | (tokens >= size)].tolist():
            raise RequestError(400, f"tokens contains {outside[0]}; expected 0 to {size - 1}")
        return signature, inputs

    def joins(self, signature):
        # Texts of one length; the state of each is an input and an output of its own. A text that
        # is written has a length of its own too.
        return signature != GENERATE_SIGNATURE

    def _write(self, inputs):
        """One step: the text that goes on from a prompt."""
        count, temperature = int(inputs["count"]), float(inputs["temperature"])
        if not 0 <= count <= MOST:
            raise RequestError(400, f"count is {count}; expected 0 to {MOST} {self.unit}")
        if temperature < 0:
            raise RequestError(400, f"temperature is {temperature:g}; expected 0 or more")
        found = list(vocabulary.tokens(inputs["prompt"].item().decode(), self.unit, ends=False))
        if not found:
            raise RequestError(400, "the prompt is empty; send at least one of " + self.unit)
        try:
            vocabulary.encode(found, self.vocabulary, f"the {self.unit} of the prompt")
        except UserError as error:
            raise RequestError(400, str(error)) from error
        return self.run(GENERATE_SIGNATURE, inputs)

    def _warm_up(self):
        self.predict(DEFAULT_SIGNATURE, {"tokens": np.zeros([1, 2], np.int32)})
        # The end of a line is written as one, and read as such.
        first = "\n" if self.vocabulary[0] == vocabulary.END_OF_LINE else self.vocabulary[0]
        prompt = np.array(first.encode(), object)
        numbers = {"count": np.int32(1), "temperature": np.float32(1), "seed": np.int32(0)}
        self.predict(GENERATE_SIGNATURE, {"prompt": prompt, **numbers})


def _check_rows(inputs) -> None:
    rows = {name: len(array) for name, array in inputs.items()}
    if len(set(rows.values())) > 1:
        raise RequestError(400, f"the inputs are of different numbers of texts: {rows}")
