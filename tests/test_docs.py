"""Pages: their links lead somewhere, their commands are ones that the programs take."""

import importlib
import pathlib
import re
import shlex
import typing

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "findings/README.md"]
_CODE = re.compile(r"^```[\s\S]*?^```|`[^`\n]*`|^    .*$", re.MULTILINE)


def anchors(page):
    """The places of a page that a link can name, as GitHub makes them of headings."""
    text = page.read_text()
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]
    return {*slugs, *re.findall(r'<a name="([^"]*)">', text)}


def commands(page):
    """`python -m train....` lines of a page, as words."""
    text = re.sub(r"\\\n\s*", " ", page.read_text())
    found = re.findall(r"(?:^    |`)(?:\$ )?(python -m train\.\w+ [^`\n]*)", text, re.MULTILINE)
    return [shlex.split(line, comments=True)[2:] for line in found if "--help" not in line]


def links(page):
    return re.findall(r"\]\(([^)\s]+)\)", _CODE.sub("", page.read_text()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page):
    for link in links(page):
        if link.startswith(("https://", "http://")):
            continue
        path, _, name = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name}: no {link}"
        assert not name or name in anchors(target), f"{page.name}: no heading {link}"


def test_the_readme_is_short_and_names_every_page():
    text = PAGES[0].read_text()
    assert text.count("\n") <= 250
    for page in PAGES[1:]:
        assert str(page.relative_to(ROOT)) in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_programs_take_the_commands(page):
    for program, *words in commands(page):
        main = importlib.import_module(program).main
        config, *_ = typing.get_type_hints(main).values()
        words = [word for word in words if not word.startswith("--flagfile")]
        config.from_words(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_photographs_are_brought_to_one_size(page):
    """Those that people have differ in size, which is refused without --image_size."""
    for line in re.findall(r"python -m train\.[^`\n]*--dataset=photos/[^`\n]*", page.read_text()):
        assert "--image_size=" in line


def test_links_and_commands_are_found():
    assert sum(len(links(page)) for page in PAGES) >= 60
    assert sum(len(commands(page)) for page in PAGES) >= 25
