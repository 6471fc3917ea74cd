"""The files of the pages for people. What the pages of all tasks have in common is frame.html."""

import re
import string
from pathlib import Path

_STATIC = Path(__file__).parent / "static"
_PAGES = ("index.html", "text.html", "forecast.html")
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}

#: The files that browsers may ask for.
NAMES = (*_PAGES, "page.css", "page.js", "text.js", "forecast.js", "common.js")


def content(name: str) -> tuple[str, str]:
    """The content of a file, and its media type.

    A page's own file begins with comments that name what the frame takes of it: its title, what it
    says first, its script.

    Args:
        name: one of `NAMES`.
    """
    text = (_STATIC / name).read_text(encoding="utf-8")
    if name in _PAGES:
        given = dict(re.findall(r"^<!-- (\w+): (.*) -->\n", text, re.MULTILINE))
        body = re.sub(r"\A(<!-- .* -->\n)*", "", text)
        frame = string.Template((_STATIC / "frame.html").read_text(encoding="utf-8"))
        text = frame.substitute(given, body=body)
    return text, _TYPES[Path(name).suffix]
