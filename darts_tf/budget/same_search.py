"""Whether the search that a folder holds is the one that goes on there."""

import json
import pathlib
from collections.abc import Mapping

from darts_tf import datasets
from darts_tf.common import files, reading
from darts_tf.common.errors import UserError
from darts_tf.datasets import fingerprint
from darts_tf.runs.settings import first_difference

#: What a search is, in its folder.
FILE = "search.json"


def check(
    folder: pathlib.Path, settings: Mapping, data: datasets.ImageData, begun: bool = False
) -> None:
    """Writes what a search is, or compares it with what was written.

    Without it a loop over seeds that forgets the folder would find the first one's answer again,
    and another limit would be taken for met.

    Args:
        folder: of the search.
        settings: that decide its steps, JSON-ready. A budget may grow, so it is not one of them.
        data: the images.
        begun: whether the folder holds steps.

    Raises:
        UserError: the folder holds another search, or its file cannot be read or written.
    """
    path = folder / FILE
    now = json.loads(json.dumps({"settings": settings, "data": data.description()}))
    if not path.exists():
        if begun:
            raise UserError(
                f"{folder} holds a search of an earlier version, which judged candidates in "
                "another way; give a folder of its own"
            )
        files.write(path, json.dumps(now, indent=1) + "\n")
        return
    try:
        before = reading.read_json(path)
        found = first_difference(before["settings"], now["settings"])
        found = found or fingerprint.difference(before["data"], now["data"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"cannot read {path}: {error!r}") from error
    if found:
        raise UserError(f"{folder} holds another search: {found}; give each a folder of its own")
