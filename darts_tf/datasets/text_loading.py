"""From a name or a path to a `TextData`."""

import dataclasses
import importlib
import os

import numpy as np
from absl import logging

from darts_tf.common.errors import UserError, reason
from darts_tf.datasets import tfds_sets, vocabulary
from darts_tf.datasets.text_data import TextData
from darts_tf.datasets.text_reading import check_size, decode, read_text

#: The text that needs no file: what Python's own help says about the language.
EMBEDDED = "python_topics"
_FILES = {"train": "train.txt", "validation": "valid.txt", "test": "test.txt"}
_SPLITS = tuple(_FILES)
PORTIONS = (0.9, 0.05, 0.05)


@dataclasses.dataclass(frozen=True)
class _Texts:
    """The texts found, by split, or a single one to be divided."""

    name: str
    splits: dict[str, str]
    unit: str = vocabulary.CHARACTERS
    # Whether the splits are kept to the letter, because published figures are of these texts.
    fixed: bool = False
    version: str | None = None


def load_text(name_or_path, data_dir=None, unit=None, portions=PORTIONS, download=False):
    """Reads a text into memory as the numbers of its words or characters.

    Line ends of any kind become line feeds. The vocabulary is that of the training text. What is
    in the other parts alone becomes `<unk>`, if the training text has one. Without one a folder is
    refused, because a perplexity depends on what is hidden; any other text gets one: what occurs
    once in training becomes `<unk>`, and the log says how much that is.

    Args:
        name_or_path: one of

            * `"python_topics"`: the reference of the language that comes with Python (its module
              `pydoc_data.topics`), half a million characters, which needs no file and no network.
              It is another one in another version of Python;
            * a name of TensorFlow Datasets that is prepared in `data_dir` and has a text as its
              feature, such as `"tiny_shakespeare"`; several examples are joined by line ends;
            * a folder with `train.txt`, `valid.txt` and `test.txt`, such as the Penn Treebank and
              WikiText-2: words between blanks, to which `<eos>` is added at line ends;
            * any other file: a text, which is divided in order.

        data_dir: folder of TensorFlow Datasets, by default `$TFDS_DATA_DIR` or
            `~/tensorflow_datasets`.
        unit: `"words"` or `"characters"`; by default words for a folder, else characters.
        portions: of training, validation and test text, where one text is divided.
        download: whether a set of TensorFlow Datasets that is missing may be fetched over the
            network. Without it the network is never used.

    Returns:
        A `TextData`.

    Raises:
        UserError: the text cannot be found, read or used.
    """
    found = _find(os.fspath(name_or_path), data_dir, download)
    return _assemble(found, vocabulary.check_unit(unit or found.unit), portions)


def _find(name, data_dir, download) -> _Texts:
    if not name:
        raise UserError(f"the text has no name: give {EMBEDDED!r}, another name, or a path")
    if name == EMBEDDED:
        return _embedded()
    path = os.path.expanduser(name)
    if not (os.path.isabs(path) or name[0] == "." or name.lower().endswith(".txt")):
        data_dir = os.path.expanduser(data_dir or tfds_sets.default_data_dir())
        prepared = tfds_sets.directory(name, data_dir)
        if prepared is None and download:
            tfds_sets.download(name, data_dir)
            prepared = tfds_sets.directory(name, data_dir)
        if prepared:
            return _of_tfds(name, prepared)
        if not os.path.exists(path):
            have = ", ".join(tfds_sets.prepared(data_dir)) or "nothing"
            raise UserError(
                f"no text is called {name!r}: give {EMBEDDED!r}, a set that is prepared in "
                f"{data_dir} (there: {have}), a folder with {', '.join(_FILES.values())}, or a "
                "text file"
            )
    if os.path.isdir(path):
        return _of_folder(path)
    stem = os.path.splitext(os.path.basename(path))[0]
    return _Texts(stem, {"train": read_text(path)})


def _embedded() -> _Texts:
    try:
        topics = importlib.import_module("pydoc_data.topics").topics
    except ModuleNotFoundError as error:
        raise UserError(
            f"the text {EMBEDDED!r} is missing in this Python, which has no module "
            "pydoc_data.topics: install the full standard library, or give a text file"
        ) from error
    text = "\n".join(topics[name] for name in sorted(topics))
    return _Texts(EMBEDDED, {"train": decode(text.encode(), EMBEDDED)})


def _of_folder(path) -> _Texts:
    missing = [file for file in _FILES.values() if not os.path.exists(os.path.join(path, file))]
    if missing:
        there = ", ".join(sorted(os.listdir(path))[:8]) or "nothing"
        raise UserError(
            f"the folder {path} has no {' and no '.join(missing)}: a text needs "
            f"{', '.join(_FILES.values())} (there: {there})"
        )
    splits = {split: read_text(os.path.join(path, file)) for split, file in _FILES.items()}
    name = os.path.basename(os.path.abspath(path))
    return _Texts(name, splits, vocabulary.WORDS, fixed=True)


def _of_tfds(name, folder) -> _Texts:
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder_from_directory(folder)
        there = builder.info.splits
        features = dict(builder.info.features.items())
        texts = [key for key, kind in features.items() if isinstance(kind, tfds.features.Text)]
        if len(texts) != 1 or "train" not in there:
            raise UserError(
                f"data set {name!r} has the features {', '.join(features)} and the parts "
                f"{', '.join(there)}: a text needs one feature of text and a part called train"
            )
        check_size(sum(there[split].num_bytes for split in there), f"data set {name!r}")
        splits = {}
        for split in _SPLITS:
            if split in there:
                examples = tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False))
                content = b"\n".join(example[texts[0]] for example in examples)
                splits[split] = decode(content, f"data set {name!r} ({split})")
    except UserError:
        raise
    except Exception as error:  # Whatever is wrong in these files, the remedy is the same.
        raise UserError(
            f"data set {name!r} in {folder} cannot be read ({reason(error)}): it is damaged or not "
            "fully copied; prepare or copy it again"
        ) from error
    if len(splits) == 2:
        only = " and ".join(splits)
        raise UserError(f"data set {name!r} has the parts {only} only: give a text file instead")
    return _Texts(name, splits, version=str(builder.version))


def _assemble(found: _Texts, unit, portions) -> TextData:
    numbers: dict[str, int] = {}
    splits = {}
    for split, text in found.splits.items():
        if not text.strip():
            what = "" if len(found.splits) == 1 else f"{split} text of "
            raise UserError(f"the {what}{found.name} is empty: give a text")
        splits[split] = vocabulary.number(vocabulary.tokens(text, unit), numbers)
    if len(splits) == 1:
        splits = _divide(splits["train"], portions, found.name, unit)
    for split, tokens in splits.items():
        if len(tokens) < 2:
            raise UserError(
                f"the {split} text of {found.name} has {len(tokens)} {unit}: at least 2 are "
                "needed, one to predict the other from"
            )
    known, splits = _without_unseen(found, unit, splits, list(numbers))
    counts = np.bincount(splits["train"], minlength=len(known))
    present = np.flatnonzero(np.bincount(np.concatenate([*splits.values()]), minlength=len(known)))
    places = present[vocabulary.order([known[i] for i in present], counts[present], unit)]
    if len(places) < 2:
        raise UserError(
            f"{found.name} has a single one of {unit}, {known[places[0]]!r}: there is nothing to "
            "predict"
        )
    renumbered = np.zeros(len(known), np.int32)
    renumbered[places] = np.arange(len(places))
    return TextData(
        name=found.name,
        unit=unit,
        vocabulary=tuple(known[place] for place in places),
        version=found.version,
        **{split: renumbered[tokens] for split, tokens in splits.items()},
    )


def _without_unseen(found: _Texts, unit, splits, known):
    """Lets `<unk>` stand for what does not occur in training; returns the tokens and the splits."""
    counts = np.bincount(splits["train"], minlength=len(known))
    unseen = counts == 0
    if not unseen.any():
        return known, splits
    hidden = unseen
    if vocabulary.UNKNOWN in known and counts[known.index(vocabulary.UNKNOWN)]:
        unknown = known.index(vocabulary.UNKNOWN)
    elif found.fixed:
        raise _unseen(found.name, unit, splits, known, unseen)
    else:
        hidden, unknown, known = counts <= 1, len(known), [*known, vocabulary.UNKNOWN]
        logging.info(
            "%s: %d %s that occur in its validation or test text only become %s, as the %d do that "
            "occur once in training",
            *(found.name, unseen.sum(), unit, vocabulary.UNKNOWN, (counts == 1).sum()),
        )
    replaced = np.arange(len(known), dtype=np.int32)
    replaced[: len(hidden)][hidden] = unknown
    return known, {split: replaced[tokens] for split, tokens in splits.items()}


def _unseen(name, unit, splits, known, unseen) -> UserError:
    """The error of a folder whose training text lacks tokens of the others."""
    split = next(split for split in _SPLITS if unseen[splits[split]].any())
    position = int(np.argmax(unseen[splits[split]]))
    kind = unit.removesuffix("s")
    return UserError(
        f"{kind} {position + 1:,} of {_FILES[split]} of {name} is "
        f"{known[splits[split][position]]!r}, which {_FILES['train']} has not (as {unseen.sum():,} "
        f"{unit}), and {_FILES['train']} has no {vocabulary.UNKNOWN} that could stand for it: "
        f"write {vocabulary.UNKNOWN} for them, and for rare {unit} in {_FILES['train']}"
    )


def _divide(tokens, portions, name, unit) -> dict:
    """Divides a text in order: training, validation, test."""
    portions = tuple(float(portion) for portion in portions)
    if len(portions) != 3 or not min(portions) > 0 or abs(sum(portions) - 1) > 1e-6:
        raise UserError(
            f"the portions of {name} are {portions}: expected three positive numbers with the sum "
            "1, of training, validation and test text"
        )
    first = round(portions[0] * len(tokens))
    second = round((portions[0] + portions[1]) * len(tokens))
    divided = tokens[:first], tokens[first:second], tokens[second:]
    if min(map(len, divided)) < 2:
        raise UserError(
            f"{name} has {len(tokens)} {unit}, too few to divide in the portions {portions}: every "
            "part needs 2; give a longer text or other portions"
        )
    return dict(zip(_SPLITS, divided, strict=True))
