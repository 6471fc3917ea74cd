"""A folder of letters by class, drawn in decorative fonts: 26 classes of 32x32 grey pixels.

    python -m scripts.letter_images --fonts=FOLDER --folder=letters

The fonts are those of a folder, such as the 465 of Debian's package fonts-aenigma (many are torn,
outlined or built of dots, so that the task is not solved by a blurred copy); of each, capital and
small letters are drawn, one image each, as large as the image allows. A letter that a font lacks
is left out, as is one that is drawn like another letter of its font. One fifth of the fonts is for
the test, with all that begin with the same four letters, so that a bold face is not tested by a
network that has learned from the light one. It writes train/A/..., test/A/... and so on.
"""

import pathlib
import string
import zlib

from absl import app, flags
from PIL import Image, ImageDraw, ImageFont

_FONTS = flags.DEFINE_string("fonts", None, "A folder with .ttf files, at any depth.")
_FOLDER = flags.DEFINE_string("folder", None, "The folder to write.")
_PIXELS, _DRAWN, _MARGIN = 32, 256, 2
_TESTED = 5
# Of a font's name: what its faces share.
_FAMILY = 4
# A character for private use: drawn as what a font does not have.
_MISSING = "\ue123"


def main(_) -> None:
    """Draws all letters and says how many there are."""
    if not (_FONTS.value and _FOLDER.value):
        raise app.UsageError("--fonts and --folder are needed")
    fonts = sorted(pathlib.Path(_FONTS.value).rglob("*.ttf"), key=lambda path: path.name)
    if not fonts:
        raise app.UsageError(f"--fonts={_FONTS.value}: no .ttf file is in it")
    count = {"train": 0, "test": 0}
    for path in fonts:
        part = part_of(path.stem)
        for letter, image in letters(path).items():
            folder = pathlib.Path(_FOLDER.value, part, letter.upper())
            folder.mkdir(parents=True, exist_ok=True)
            case = "capital" if letter.isupper() else "small"
            image.save(folder / f"{path.stem}_{case}.png")
            count[part] += 1
    print(f"{count['train']:,} letters to learn from, {count['test']:,} to test, {_FOLDER.value}")


def part_of(name: str) -> str:
    """train or test, by what the names of the faces of a family share."""
    family = zlib.crc32(name[:_FAMILY].lower().encode())
    return "test" if family % _TESTED == 0 else "train"


def letters(path) -> dict[str, Image.Image]:
    """The letters of a font that tell from each other, each drawn as large as the image allows."""
    font = ImageFont.truetype(str(path), _DRAWN // 2)
    images = {letter: _drawn(font, letter) for letter in (*string.ascii_letters, _MISSING)}
    images = {letter: image for letter, image in images.items() if image is not None}
    # Some fonts have one drawing for several letters.
    drawn = {letter: image.tobytes() for letter, image in images.items()}

    def tells(letter):
        return all(
            drawn[letter] != drawn[other] or letter.upper() == other.upper() for other in drawn
        )

    return {x: image for x, image in images.items() if x != _MISSING and tells(x)}


def _drawn(font, letter: str) -> Image.Image | None:
    """A letter in the middle of its image, white on black; None if there is nothing to see."""
    canvas = Image.new("L", (2 * _DRAWN, 2 * _DRAWN))
    ImageDraw.Draw(canvas).text((_DRAWN // 2, _DRAWN // 2), letter, fill=255, font=font)
    box = canvas.getbbox()
    if box is None:
        return None
    letter = canvas.crop(box)
    scale = (_PIXELS - 2 * _MARGIN) / max(letter.size)
    size = [max(1, round(side * scale)) for side in letter.size]
    letter = letter.resize(size, Image.Resampling.BOX)
    image = Image.new("L", (_PIXELS, _PIXELS))
    image.paste(letter, tuple((_PIXELS - side) // 2 for side in size))
    return image if image.getbbox() else None


if __name__ == "__main__":
    app.run(main)
