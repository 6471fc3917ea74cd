"""A report as Chromium shows it, without a network."""

import shutil

import pytest
from playwright import sync_api

from darts_tf import genotypes, plots, report
from tests.report import folders

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_CHROMIUM = next((path for name in _NAMES if (path := shutil.which(name))), None)

pytestmark = pytest.mark.skipif(
    _CHROMIUM is None, reason=f"none of {', '.join(_NAMES)} is on the PATH"
)

# Of each colour scheme: whether its page is dark.
SCHEMES = {"light": False, "dark": True}
PHONE, DESKTOP = 390, 1200


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A report of a run that has all there may be, and one of it beside others."""
    path = tmp_path_factory.mktemp("runs")
    found = folders.training(path / "found", "SEARCH/genotype.json", 0.9)
    for i in range(2):
        folders.training(path / f"random_{i}", f"random:{i}", 0.8)
    folders.predict(found, [f"a class with a long name {i}" for i in range(12)], [40] * 12)
    plots.plot_genotype(genotypes.get("DARTS_V2"), found, formats=("svg",))
    records = [{"epoch": i, "loss": 1 / i, "accuracy": 0.5} for i in range(1, 9)]
    plots.plot_history(records, found / "history.png")
    (found / "sample.txt").write_text("word " * 200 + "w" * 400)
    folders.write(found, "versions.json", {"keras": "3.15.1"})
    runs = [report.Run(found), report.Run(path / "random_0")]
    report.write(runs[:1], path / "one.html")
    report.write(runs, path / "two.html")
    fault = '<p style="width: 500px">wide</p><img src="https://example.com/x.png">'
    text = (path / "one.html").read_text()
    (path / "faulty.html").write_text(text.replace("</article>", f"{fault}</article>"))
    return path


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as started:
        # Of root a sandbox is refused; and no name has an address.
        options = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"]
        browser = started.chromium.launch(executable_path=_CHROMIUM, args=options)
        yield browser
        browser.close()


def look(browser, path, scheme, width):
    """What a page is like, and what is wrong with it."""
    wrong = []
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}, offline=True
    )
    try:
        page = context.new_page()
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url:.60}"))
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        others = [url for url in asked if url != path.as_uri() and not url.startswith("data:")]
        wrong += [f"request: {url}" for url in others]
        seen = page.evaluate(
            """() => ({
              width: document.documentElement.scrollWidth,
              ink: getComputedStyle(document.body).color,
              page: getComputedStyle(document.body).backgroundColor,
              images: [...document.images].map(image => image.naturalWidth),
              text: document.body.innerText,
            })"""
        )
    finally:
        context.close()
    if seen["width"] > width:
        wrong.append(f"it is {seen['width']} pixels wide")
    if not all(seen["images"]):
        wrong.append("a picture is not shown")
    return seen, wrong


def brightness(colour):
    """The relative luminance of "rgb(...)" (WCAG 2)."""
    parts = [int(x) / 255 for x in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [
        *(("one", "light", DESKTOP), ("one", "dark", PHONE)),
        *(("two", "light", PHONE), ("two", "dark", DESKTOP)),
    ],
)
def test_a_report_is_seen(pages, browser, name, scheme, width):
    seen, wrong = look(browser, pages / f"{name}.html", scheme, width)
    assert wrong == []
    # Two cells, the curves and a mistake.
    assert len(seen["images"]) >= 4
    for said in ("Accuracy by class", "The most confident mistakes", "Was it worth it?"):
        assert said in seen["text"]
    dark, light = sorted([brightness(seen["ink"]), brightness(seen["page"])])
    # The contrast that WCAG 2 asks for on its third level.
    assert (light + 0.05) / (dark + 0.05) >= 7
    assert (brightness(seen["page"]) < 0.1) == SCHEMES[scheme]


def test_faults_are_found(pages, browser):
    _, wrong = look(browser, pages / "faulty.html", "light", PHONE)
    kinds = {text.split(":")[0].split(" is ")[0] for text in wrong}
    assert kinds >= {"console", "it", "a picture"}
