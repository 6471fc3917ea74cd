import re

import pytest

from darts_tf.serving import pages


@pytest.mark.parametrize(
    ("name", "title", "script"),
    [
        ("index.html", "Classify an image", "page.js"),
        ("text.html", "Go on with a text", "text.js"),
        ("forecast.html", "Forecast a series", "forecast.js"),
    ],
)
def test_a_page_stands_in_the_frame(name, title, script):
    text, kind = pages.content(name)
    assert kind == "text/html" and text.startswith("<!DOCTYPE html>")
    assert f"<title>{title}</title>" in text and f"<h1>{title}</h1>" in text
    assert f'<script src="static/{script}" defer>' in text and "<!--" not in text
    assert not re.search(r"\$[a-z]", text)
    for tag in ("html", "head", "body", "header", "main", "footer", "noscript"):
        assert text.count(f"<{tag}>") + text.count(f"<{tag} ") == text.count(f"</{tag}>") == 1


@pytest.mark.parametrize("name", pages.NAMES)
def test_every_file_is_there(name):
    text, kind = pages.content(name)
    assert text and kind.startswith("text/")
