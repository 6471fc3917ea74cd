import os
import pathlib

import numpy as np
import pytest

from darts_tf import datasets
from darts_tf.common.errors import UserError
from darts_tf.datasets import text_data
from darts_tf.datasets import text_loading as loading

SHARED = pathlib.Path(__file__).parents[3] / "shared" / "data" / "tfds"
needs_shakespeare = pytest.mark.skipif(
    not (SHARED / "tiny_shakespeare").exists(), reason="tiny_shakespeare is not prepared here"
)


def write(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def folder(path, train="a b <unk>\nb\n", valid="b a\n", test="c\n\nb\n"):
    for name, text in {"train": train, "valid": valid, "test": test}.items():
        if text is not None:
            write(path / f"{name}.txt", text)
    return path


def test_a_folder_of_words(tmp_path):
    data = datasets.load_text(folder(tmp_path / "ptb"))
    assert (data.name, data.unit, data.measure) == ("ptb", "words", "perplexity")
    # By falling count, then by spelling.
    assert data.vocabulary == ("<eos>", "b", "<unk>", "a")
    assert data.train.tolist() == [3, 1, 2, 0, 1, 0]
    assert data.validation.tolist() == [1, 3, 0]
    assert data.test.tolist() == [2, 0, 0, 1, 0]
    assert data.train.dtype == data.test.dtype == np.int32
    assert data.decode(data.train) == "a b <unk>\nb\n"


def test_a_folder_of_characters(tmp_path):
    data = datasets.load_text(folder(tmp_path / "x", "aba\n", "ab", "\na"), unit="characters")
    assert data.vocabulary == ("\n", "a", "b") and data.measure == "bits_per_character"
    assert data.train.tolist() == [1, 2, 1, 0] and data.test.tolist() == [0, 1]
    assert data.decode([1, 2, 0]) == "ab\n"


def test_the_measures():
    data = text_data.TextData("x", "words", ("a", "b"), *[np.zeros(2, np.int32)] * 3)
    assert data.reported(np.log(8.0)) == pytest.approx(8.0)
    assert data.reported(1e4) == np.inf
    characters = text_data.TextData("x", "characters", ("a", "b"), *[np.zeros(2, np.int32)] * 3)
    assert characters.reported(np.log(8.0)) == pytest.approx(3.0)


def test_a_file_is_divided_in_order(tmp_path):
    path = write(tmp_path / "text.txt", "abcdefghij" * 10)
    data = datasets.load_text(path, portions=(0.5, 0.3, 0.2))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [50, 30, 20]
    assert data.decode(data.validation) == "abcdefghij" * 3
    assert data.name == "text"


def test_what_is_unseen_in_a_divided_text_becomes_unknown(tmp_path):
    path = write(tmp_path / "text.txt", "a a b b once a b a a c new")
    data = datasets.load_text(path, unit="words", portions=(8 / 12, 2 / 12, 2 / 12))
    assert data.vocabulary == ("a", "b", "<unk>")
    assert data.decode(data.train) == "a a b b <unk> a b a"
    assert data.decode(data.validation) == "a <unk>"
    assert data.decode(data.test) == "<unk> <unk>"


def test_a_text_without_unseen_words_stays(tmp_path):
    path = write(tmp_path / "text.txt", "once " + "a b\n" * 20)
    data = datasets.load_text(path, unit="words", portions=(0.8, 0.1, 0.1))
    assert data.vocabulary == ("<eos>", "a", "b", "once")


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
def test_line_ends(tmp_path, ends):
    data = datasets.load_text(folder(tmp_path / "x", f"a b{ends}b{ends}", f"a{ends}", f"b{ends}"))
    assert data.decode(data.train) == "a b\nb\n"


def test_a_byte_order_mark_is_left_out(tmp_path):
    path = write(tmp_path / "text.txt", b"\xef\xbb\xbf" + b"ab" * 50)
    assert datasets.load_text(path).vocabulary == ("a", "b")


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "the text is empty: give a text"),
        (b" \n\n", "the text is empty"),
        (b"abc", "has 3 characters, too few to divide"),
        (b"a" * 100, "single one of characters, 'a'"),
        (b"ab\ncd\xff\n", r"byte 5 \(line 2\) is 0xff; convert it"),
        (b"ab\nc\0d", r"byte 4 \(line 2\) is zero"),
        ("ab".encode("utf-16"), r"byte 0 \(line 1\) is 0xff"),
    ],
)
def test_bad_files(tmp_path, content, message):
    path = write(tmp_path / "text.txt", content)
    with pytest.raises(UserError, match=message) as caught:
        datasets.load_text(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "parts, message",
    [
        ({"valid": None}, "has no valid.txt: a text needs train.txt, valid.txt, test.txt"),
        ({"valid": None, "test": None}, "no valid.txt and no test.txt"),
        ({"valid": ""}, "the validation text of x is empty"),
        ({"train": "a\nb\n"}, r"word 1 of test.txt of x is 'c', .* \(as 1 words\)"),
        ({"train": "\n\n", "valid": "\n\n", "test": "\n\n"}, "the train text of x is empty"),
        ({"train": "a", "valid": "\xe9"}, "word 1 of valid.txt of x is 'é'"),
    ],
)
def test_bad_folders(tmp_path, parts, message):
    with pytest.raises(UserError, match=message) as caught:
        datasets.load_text(folder(tmp_path / "x", **parts))
    assert "\n" not in str(caught.value)


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(UserError, match="it is a pipe"):
        datasets.load_text(tmp_path / "pipe.txt")
    with pytest.raises(UserError, match="No such file"):
        datasets.load_text(tmp_path / "none.txt")
    with pytest.raises(UserError, match="no text is called 'nothing'.*there: nothing"):
        datasets.load_text("nothing", data_dir=tmp_path)
    with pytest.raises(UserError, match="unit is 'letters'; expected one of words, characters"):
        datasets.load_text("python_topics", unit="letters")
    with pytest.raises(UserError, match="expected three positive numbers"):
        datasets.load_text("python_topics", portions=(0.5, 0.5))


def test_a_text_larger_than_the_memory(tmp_path):
    path = tmp_path / "large.txt"
    with path.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(UserError, match="large.txt takes 14,000.0 GB in memory .* a part of"):
        datasets.load_text(path)


def test_the_text_that_needs_no_file():
    data = datasets.load_text(loading.EMBEDDED)
    count = sum(len(part) for part in (data.train, data.validation, data.test))
    assert count > 300_000 and 80 < data.vocabulary_size < 200
    assert len(data.train) == round(0.9 * count)


@needs_shakespeare
def test_tiny_shakespeare():
    data = datasets.load_text("tiny_shakespeare", data_dir=SHARED)
    parts = data.train, data.validation, data.test
    assert [len(part) for part in parts] == [1_003_854, 55_770, 55_770]
    assert data.vocabulary_size == 65 and data.version == "1.0.0"
    assert data.decode(data.train[:14]) == "First Citizen:"
    words = datasets.load_text("tiny_shakespeare", data_dir=SHARED, unit="words")
    assert "<unk>" in words.vocabulary and words.decode(words.train[:4]) == "First Citizen:\nBefore"


def test_prompts(tmp_path):
    data = datasets.load_text(folder(tmp_path / "x"))
    assert data.encode("a c\n b").tolist() == [3, 2, 0, 1]
    characters = datasets.load_text(write(tmp_path / "t.txt", "ab" * 50))
    with pytest.raises(UserError, match="number 2 of the characters of the text is 'c'"):
        characters.encode("ac")


class TestDescription:
    def make(self, tmp_path, **parts):
        return datasets.load_text(folder(tmp_path / "x", **parts)).description()

    def test_differences(self, tmp_path):
        before = self.make(tmp_path)
        assert text_data.difference(before, self.make(tmp_path)) is None
        for parts, message in {
            ("train", "a b <unk>\na\n"): "number 1 of the vocabulary was 'b' and is now 'a'",
            ("train", "a b <unk>\nb b\n"): "number 0 of the vocabulary was '<eos>' and is now 'b'",
            ("train", "b a <unk>\nb\n"): "the train text is another one now",
            ("valid", "b\n"): "the validation text had 3 words and has now 2",
            ("train", "a b d <unk>\nb\n"): "the vocabulary had 4 words and has now 5",
        }.items():
            now = self.make(tmp_path, **dict([parts]))
            assert text_data.difference(before, now) == message
            assert text_data.digest(before) != text_data.digest(now)

    def test_is_kept(self, tmp_path):
        import json

        before = self.make(tmp_path)
        path = write(tmp_path / "data.json", json.dumps(before))
        assert text_data.load_description(path) == before
        for key in ("kind", "unit", "vocabulary", "train_tokens", "fingerprint"):
            write(path, json.dumps({k: v for k, v in before.items() if k != key}))
            with pytest.raises(UserError, match=key.partition("_")[0]):
                text_data.load_description(path)
