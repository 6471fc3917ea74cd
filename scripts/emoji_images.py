"""A folder of drawings by class: emoji of a colour font, 136x128 pixels each.

    python -m scripts.emoji_images --font=NotoColorEmoji.ttf --folder=emoji

The font is that of Debian's package fonts-noto-color-emoji (SIL Open Font License): flags, faces,
animals, food and things. A table besides, labels.csv, has what is measured of every drawing: the
colours that take at least a tenth of it, its share of the picture and its brightness, in per cent.
"""

import csv
import itertools
import pathlib

import numpy as np
from absl import app, flags
from PIL import Image, ImageDraw, ImageFont

_FONT = flags.DEFINE_string("font", None, "The font, with bitmaps of 109 pixels.")
_FOLDER = flags.DEFINE_string("folder", None, "The folder to write.")
# First and last code points, by the charts of Unicode 14.
_CLASSES = {
    "animal": [(0x1F400, 0x1F43F), (0x1F980, 0x1F9AE)],
    "face": [(0x1F600, 0x1F64A), (0x1F910, 0x1F917), (0x1F920, 0x1F92F), (0x1F970, 0x1F97A)],
    "food": [(0x1F32D, 0x1F32F), (0x1F345, 0x1F37F), (0x1F950, 0x1F96F), (0x1F9C0, 0x1F9CB)],
    "thing": [(0x1F4A1, 0x1F4DF), (0x1F526, 0x1F530), (0x1F550, 0x1F567), (0x1F680, 0x1F6A4)],
}
# Where colours begin, by their hue in degrees; from there on they are the next one.
_HUES = {
    20: "red",
    45: "orange",
    70: "yellow",
    170: "green",
    260: "blue",
    330: "purple",
    360: "red",
}
_LEAST = 0.1
_A = 0x1F1E6
_SIZE = (136, 128)


def main(argv) -> None:
    """Draws every emoji that the font has."""
    del argv
    font = ImageFont.truetype(_FONT.value, 109)
    texts = {
        name: [chr(point) for first, last in ranges for point in range(first, last + 1)]
        for name, ranges in _CLASSES.items()
    }
    texts["flag"] = [chr(_A + i) + chr(_A + j) for i, j in itertools.product(range(26), repeat=2)]
    # Signs that the font does not have look alike.
    seen, rows = set(), []
    for name, found in texts.items():
        folder, count = pathlib.Path(_FOLDER.value, name), 0
        folder.mkdir(parents=True)
        for text in found:
            # A pair of letters that is no flag is two signs, and wider.
            if font.getlength(text) > _SIZE[0] + 2:
                continue
            picture = _drawn(text, font)
            if picture.getcolors(8) is None and picture.tobytes() not in seen:
                seen.add(picture.tobytes())
                file = f"{'-'.join(f'{ord(x):x}' for x in text)}.png"
                picture.save(folder / file)
                rows.append([f"{name}/{file}", *_measured(picture)])
                count += 1
        print(f"{name}: {count}")
    with open(pathlib.Path(_FOLDER.value, "labels.csv"), "w", newline="") as table:
        csv.writer(table, lineterminator="\n").writerows(
            [["file", "colours", "covered", "brightness"], *rows]
        )


def _measured(picture) -> tuple[str, str, str]:
    """The colours of a drawing, its share of the picture and its brightness, in per cent."""
    alpha = np.asarray(picture)[..., 3] > 127
    hue, saturation, value = (np.asarray(picture.convert("RGB").convert("HSV"))[alpha] / 255).T
    degrees = 360 * hue
    names = np.array(list(_HUES.values()))[np.searchsorted([*_HUES][:-1], degrees, side="right")]
    names = np.where((names == "orange") & (value < 0.7), "brown", names)
    names = np.where(saturation < 0.2, np.where(value > 0.8, "white", "grey"), names)
    names = np.where(value < 0.25, "black", names)
    found, counts = np.unique(names, return_counts=True)
    colours = [
        name for name, count in zip(found, counts, strict=True) if count >= _LEAST * len(names)
    ]
    return ";".join(colours), f"{100 * alpha.mean():.2f}", f"{100 * value.mean():.2f}"


def _drawn(text, font):
    picture = Image.new("RGBA", _SIZE, (255, 255, 255, 0))
    ImageDraw.Draw(picture).text((0, 0), text, font=font, embedded_color=True)
    return picture


if __name__ == "__main__":
    app.run(main)
