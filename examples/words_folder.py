"""Makes a folder of words for a language model out of one text.

    bible -f -l9999 gen1:1-rev22:21 > kjv.txt   # Debian: apt-get install bible-kjv bible-kjv-text
    python examples/words_folder.py kjv.txt kjv
    python -m train.search --task=language_model --dataset=kjv --output_dir=RUN

writes train.txt, valid.txt and test.txt: 90, 5 and 5 % of the lines, in order, as the Penn Treebank
is given: words and punctuation in small letters between blanks, and <unk> for every word that
occurs less than --least times in train.txt. --drop takes a part of each line out, such as the names
of verses.
"""

import argparse
import collections
import pathlib
import re

_PARTS = {"train.txt": (0.0, 0.9), "valid.txt": (0.9, 0.95), "test.txt": (0.95, 1.0)}


def main(text: str, folder: str, least: int, drop: str) -> None:
    """Writes the folder and says how many words there are."""
    lines = pathlib.Path(text).read_text(encoding="utf-8").lower().splitlines()
    lines = [re.findall(r"[^\W_]+(?:'[^\W_]+)*|[^\w\s]", re.sub(drop, "", line)) for line in lines]
    lines = [line for line in lines if line]
    parts = {
        name: lines[round(first * len(lines)) : round(last * len(lines))]
        for name, (first, last) in _PARTS.items()
    }
    counts = collections.Counter(word for line in parts["train.txt"] for word in line)
    known = {word for word, count in counts.items() if count >= least}
    output = pathlib.Path(folder)
    output.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        words = [[word if word in known else "<unk>" for word in line] for line in part]
        (output / name).write_text("".join(" ".join(line) + "\n" for line in words))
        print(f"{output / name}: {sum(map(len, words)):,} words in {len(words):,} lines")
    print(f"{len(known):,} different words and <unk>")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", help="a text in UTF-8")
    parser.add_argument("folder", help="the folder to write")
    parser.add_argument("--least", type=int, default=3, help="rarer words become <unk>")
    parser.add_argument("--drop", default=r"^\S*\d+:\d+", help="what is taken out of each line")
    main(**vars(parser.parse_args()))
