import re

from darts_tf.serving import cells
from tests.serving import tiny_network

SCRIPTS = ("static/page.css", "static/common.js", "static/page.js")


def test_the_page_loads_nothing_from_elsewhere(client):
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    links = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert set(links) == {"data:,", *SCRIPTS}
    for link in SCRIPTS:
        # The one address left is the name of SVG's namespace, which nobody loads.
        addresses = set(re.findall(r"""https?://[^"')]*""", client.get(f"/{link}").text))
        assert addresses <= {"http://www.w3.org/2000/svg"}


def test_every_element_that_the_script_uses_is_in_the_page(client):
    ids = set(re.findall(r'id="([^"]+)"', client.get("/").text))
    scripts = client.get("/static/page.js").text + client.get("/static/common.js").text
    used = set(re.findall(r'element\("([^"]+)"\)', scripts))
    assert used
    assert used <= ids


def test_about_tells_the_page_what_it_shows(client):
    assert client.get("/about.json").json() == {
        "name": "tiny",
        "version": 1,
        "image_shape": [8, 8, 1],
        "class_names": list(tiny_network.CLASS_NAMES),
        "task": "image_classification",
        "genotype": tiny_network.GENOTYPE,
        "cells": cells.describe(tiny_network.GENOTYPE),
    }


def test_the_page_says_nothing_of_cells_by_itself(client):
    """The names of inputs and nodes come from one place in the package."""
    text = client.get("/").text + client.get("/static/common.js").text
    assert not re.search(r"\b(input|node) (\d|\$)|previous cell", text, re.IGNORECASE)
