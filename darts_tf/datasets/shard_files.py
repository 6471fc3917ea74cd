"""Images in archives: tar files as WebDataset has them, and TFRecord files.

Nothing is written to the disk: an archive is read from its beginning to its end, and the names in
it are names alone.
"""

import json
import os
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from darts_tf.common.errors import UserError, reason
from darts_tf.datasets import image_files

_TAR = re.compile(r"\.(tar|tgz|tar\.(gz|bz2|xz))$", re.IGNORECASE)
# TensorFlow Datasets and others number the files after the ending.
_RECORDS = re.compile(r"\.tfrecords?(-\d+(-of-\d+)?)?(\.gz)?$", re.IGNORECASE)
# Of a sample's JSON.
_KEYS = ("cls", "class", "label", "class_name")
# Bytes of a file in an archive: a larger one is no photo, but would fill the memory.
_LARGEST = 2**28


class Features(NamedTuple):
    """The names of what a TFRecord file's examples hold.

    Attributes:
        image: of the encoded image.
        label: of its class, a whole number or a text.
    """

    image: str = "image/encoded"
    label: str = "image/class/label"


class Sample(NamedTuple):
    """An image of an archive.

    Attributes:
        name: for messages, the archive's in it.
        encoded: the image file; None where `error` says why there is none.
        label: a whole number or a text, likewise.
        error: what is wrong with it.
    """

    name: str
    encoded: bytes | None
    label: int | str | None
    error: str | None = None


def is_shard(name: str) -> bool:
    """Whether a file of that name is such an archive."""
    return bool(_TAR.search(name) or _RECORDS.search(name))


def has_records(shards: Mapping[str, Sequence[str]]) -> bool:
    """Whether some of the archives of the splits are TFRecord files."""
    return any(_RECORDS.search(shard) for found in shards.values() for shard in found)


def samples(path: str, features: Features) -> Iterator[Sample]:
    """The images of an archive in their order.

    Args:
        path: of the archive.
        features: of the examples in a TFRecord file.

    Raises:
        UserError: the archive is damaged.
    """
    return _of_tar(path) if _TAR.search(path) else _of_records(path, features)


def _of_tar(path: str) -> Iterator[Sample]:
    """Files of one name and different endings, which follow each other, are a sample."""
    name, files = None, {}
    for key, ending, content in _members(path):
        if key != name and files:
            yield _sample(f"{path}: {name}", files)
        if key != name:
            name, files = key, {}
        files[ending] = content
    if files:
        yield _sample(f"{path}: {name}", files)


class _Member(tarfile.TarInfo):
    """A file in an archive that ends where it says so.

    What is cut off, or broken in the middle, would end without an error.
    """

    @classmethod
    def fromtarfile(cls, archive):
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"it breaks off after {archive.offset:,} bytes") from error


def _members(path: str) -> Iterator[tuple[str, str, bytes | None]]:
    """Name, ending and content of the files that a sample may need; None of one too large."""
    wanted = {*(ending[1:] for ending in image_files.extensions()), "cls", "json"}
    try:
        with tarfile.open(path, "r|*", tarinfo=_Member) as archive:
            for member in archive:
                # It would keep what it knows of every file.
                archive.members = []
                folder, _, base = member.name.rpartition("/")
                key, _, ending = base.partition(".")
                # Links, devices and names that lead elsewhere are no images, whoever made them.
                outside = member.name.startswith("/") or ".." in member.name.split("/")
                if not member.isreg() or outside or not key or ending.lower() not in wanted:
                    continue
                content = None
                if member.size <= _LARGEST:
                    content = archive.extractfile(member).read()
                    if len(content) < member.size:
                        raise tarfile.ReadError("unexpected end of data")
                yield f"{folder}/{key}" if folder else key, ending.lower(), content
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise _damaged(path, error) from error


def _damaged(path, error) -> UserError:
    return UserError(
        f"the archive {path} is damaged or not fully copied ({reason(error)}): copy it again"
    )


def _sample(name: str, files: dict) -> Sample:
    images = [ending for ending in files if ending not in ("cls", "json")]
    if not images:
        return Sample(name, None, None, "it has no image, only " + " and ".join(files))
    content = files[images[0]]
    if content is None:
        return Sample(name, None, None, f"it is larger than {_LARGEST / 1e6:,.0f} MB")
    try:
        label = _label(files)
    except (ValueError, RecursionError):
        label = None
    if label is None:
        return Sample(
            name,
            None,
            None,
            f"it has no class: expected a file .cls with a number or a name, or "
            f".json with one of {', '.join(_KEYS)}",
        )
    return Sample(f"{name}.{images[0]}", content, label)


def _label(files: dict) -> int | str | None:
    """The class that is written beside an image; None if there is none."""
    if files.get("cls") is not None:
        return _number_or_text(files["cls"].decode())
    if files.get("json") is None:
        return None
    described = json.loads(files["json"])
    if not isinstance(described, dict):
        return None
    found = next((described[key] for key in _KEYS if key in described), None)
    if isinstance(found, bool) or not isinstance(found, int | str):
        return None
    return found if isinstance(found, int) else found.strip() or None


def _number_or_text(text: str) -> int | str | None:
    text = text.strip()
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else text or None


def _of_records(path: str, features: Features) -> Iterator[Sample]:
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    packed = "GZIP" if path.lower().endswith(".gz") else ""
    try:
        for number, record in enumerate(tf.data.TFRecordDataset(path, packed).as_numpy_iterator()):
            name = f"{os.fspath(path)}, example {number}"
            found = tf.train.Example.FromString(record).features.feature
            missing = [one for one in features if one not in found]
            if missing:
                raise UserError(
                    f"{name} has no feature {missing[0]!r}; it has "
                    f"{', '.join(sorted(found)) or 'none'}: say with --image_feature and "
                    "--label_feature which are the image and its class"
                )
            images, label = found[features.image].bytes_list.value, found[features.label]
            numbers, texts = label.int64_list.value, label.bytes_list.value
            if len(images) != 1 or len(numbers) + len(texts) != 1:
                yield Sample(name, None, None, "expected one encoded image and one class")
                continue
            text = texts[0].decode(errors="replace").strip() if texts else None
            yield Sample(name, images[0], text if texts else int(numbers[0]))
    except (tf.errors.OpError, DecodeError) as error:
        raise _damaged(path, error) from error
