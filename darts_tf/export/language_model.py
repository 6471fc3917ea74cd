"""A trained language model as a SavedModel that reads and writes text."""

import json
from collections.abc import Sequence

import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.datasets import vocabulary as tokens
from darts_tf.export import writing
from darts_tf.export.checks import check_version
from darts_tf.export.formats import SAVED_MODEL, Options, check_formats
from darts_tf.export.network import Compared, NetworkExport, Served
from darts_tf.runtime.token_sampling import draw_tokens
from darts_tf.tasks import LanguageModeling

_CHECKED = 8


def export_language_model(
    model,
    directory,
    *,
    vocabulary: Sequence[str],
    unit: str,
    genotype_json: str | None = None,
    **options,
) -> NetworkExport:
    """Writes a trained language model as a SavedModel that needs no Keras and no vocabulary.

    The SavedModel goes to `directory/<version>/`. It has three signatures:

    *   `serving_default`: `tokens`, int32 `[B, T]`, of texts that begin; returns `probabilities` of
        each next token, float32 `[B, T, V]`.
    *   `serving_state`: the same of texts that go on: it also takes and returns `state_0`,
        `state_1` and so on.
    *   `generate`: from `prompt`, a string that is not empty, `count`, `temperature` and `seed`
        (scalars; int32, float32, int32) to `text`, a string of so many words or characters, and
        their `tokens`, int32 `[count]`. At temperature 0 the most probable one is taken. The
        prompt's words lie between blanks.

    The folder also holds `assets/text.json`, the unit and the vocabulary.

    The formats "onnx" and "litert" hold `serving_state` alone; see `export_network`.

    All are loaded again and compared with `model` before the folder gets its final name.

    Args:
        model: a language model, such as `build_language_model` makes.
        directory: the folder that gets the version folder; made if missing.
        vocabulary: the word or character of each number, as `TextData.vocabulary` has them.
        unit: `"words"` or `"characters"`.
        genotype_json: the cell as JSON, which becomes `assets/genotype.json`; None for none.
        **options: `version`, `overwrite` and `formats`, as `export_network` has them.

    Raises:
        UserError: the packages of a format are missing or it cannot hold the model, the model does
            not fit the vocabulary, the version is no number or exists and
            `overwrite` is false, the folder cannot be written, or the export's answers differ from
            the model's.
    """
    version, overwrite, formats = Options(**options)
    check_version(version)
    check_formats(formats)
    tokens.check_unit(unit)
    if len(vocabulary) != model.vocabulary_size:
        raise UserError(
            f"the model knows {model.vocabulary_size} {unit} and the vocabulary has "
            f"{len(vocabulary)}; they must come from the same run"
        )
    spec = tf.TensorSpec([None, None], tf.int32, name="tokens")
    served = Served(model, LanguageModeling(), spec)

    described = json.dumps({"unit": unit, "vocabulary": list(vocabulary)})
    texts = {"text.json": described, "genotype.json": genotype_json}

    def write(folder) -> Compared:
        if SAVED_MODEL not in formats:
            writing.write_texts(folder / "assets", texts)
            return served.write_files(folder, formats, None)
        writer = _Writer(model, vocabulary, unit)
        module = served.module()
        module.writer = writer
        signatures = {**served.functions(), "generate": writer.generate}
        with writing.assets(folder, texts) as kept:
            module.assets = kept
            tf.saved_model.save(module, str(folder), signatures=signatures)
        loaded = tf.saved_model.load(str(folder))
        difference = served.compare(loaded.signatures)
        writer.compare(loaded)
        return served.write_files(folder, formats, difference)

    written = writing.write_version(directory, version, overwrite, write)
    return NetworkExport(written.directory, written.size_bytes, *written.found)


class _Writer(tf.Module):
    """A vocabulary as tables, and the function that goes on with a text."""

    def __init__(self, model, vocabulary, unit):
        super().__init__()
        known = list(vocabulary)
        numbers = tf.range(len(known))
        self._words = unit == tokens.WORDS
        missing = known.index(tokens.UNKNOWN) if tokens.UNKNOWN in known else -1
        self._numbers = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(known, numbers), missing
        )
        written = ["\n" if self._words and x == tokens.END_OF_LINE else x for x in known]
        self._written = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(numbers, written), ""
        )

        def draw(prompt, count, temperature, seed):
            return draw_tokens(model, prompt, model.initial_state(1), count, temperature, seed)[0]

        def generate(prompt, count, temperature, seed):
            drawn = draw(self.encode(prompt)[tf.newaxis], count, temperature, seed)[0]
            return {"text": self.decode(drawn), "tokens": drawn}

        self._draw = draw
        self.generate = tf.function(
            generate,
            input_signature=[
                tf.TensorSpec([], tf.string, name="prompt"),
                tf.TensorSpec([], tf.int32, name="count"),
                tf.TensorSpec([], tf.float32, name="temperature"),
                tf.TensorSpec([], tf.int32, name="seed"),
            ],
        )

    def encode(self, text) -> tf.Tensor:
        """The numbers of a text that goes on, int32 `[tokens]`."""
        if self._words:
            ends = tf.strings.regex_replace(text, "\n", f" {tokens.END_OF_LINE} ")
            found = tf.strings.split(ends)
        else:
            found = tf.strings.unicode_split(text, "UTF-8")
        numbers = self._numbers.lookup(found)
        unknown = tf.boolean_mask(found, numbers < 0)
        what = ["the vocabulary does not have", unknown]
        with tf.control_dependencies([tf.debugging.Assert(tf.equal(tf.size(unknown), 0), what)]):
            return tf.identity(numbers)

    def decode(self, numbers) -> tf.Tensor:
        """The text of numbers, a string."""
        written = self._written.lookup(numbers)
        if not self._words:
            return tf.strings.reduce_join(written)
        return tf.strings.regex_replace(
            tf.strings.reduce_join(written, separator=" "), " ?\n ?", "\n"
        )

    def compare(self, loaded) -> None:
        """Both go on with the same text, by draws and without.

        Raises:
            UserError: they differ.
        """
        start = self._written.lookup(tf.constant(0))
        prompt = self.encode(start)[tf.newaxis]
        for temperature in (0.0, 1.0):
            arguments = {"count": _CHECKED, "temperature": temperature, "seed": 0}
            arguments = {name: tf.constant(value) for name, value in arguments.items()}
            found = loaded.signatures["generate"](prompt=start, **arguments)["tokens"]
            expected = self._draw(prompt, *arguments.values())[0]
            if not bool(tf.reduce_all(found == expected)):
                raise UserError(
                    f"the export goes on with the tokens {found.numpy().tolist()} where the Keras "
                    f"model has {expected.numpy().tolist()}; nothing was exported"
                )
