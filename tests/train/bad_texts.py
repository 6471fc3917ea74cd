"""Texts for the tests of the programs: one that works and many that can't."""

SENTENCE = "the quick brown fox jumps over the lazy dog and the dog sleeps\n"


def write_good(path) -> None:
    """Some 2,500 characters."""
    path.write_text(SENTENCE * 40)


def write_bad(folder) -> dict[str, tuple[str, str]]:
    """Writes texts that can't be used; name -> (value of --dataset, a part of the reason)."""
    files = {
        "empty": (b"", "is empty"),
        "one character": (b"a", "too few to divide"),
        "one line": (b"hello world\n", "too few to divide"),
        "a short text": (SENTENCE.encode(), "choose a batch of at most"),
        "no UTF-8": (b"caf\xe9 au lait\n" * 50, "is no text in UTF-8"),
        "a zero": (b"abc\0def" * 50, "is zero"),
        "one letter": (b"a" * 500, "a single one of characters"),
    }
    cases = {}
    for name, (content, reason) in files.items():
        path = folder / f"{name}.txt"
        path.write_bytes(content)
        cases[name] = (str(path), reason)
    cases["missing"] = (str(folder / "nothing.txt"), "nothing.txt")
    whole = {"train": SENTENCE * 40, "valid": SENTENCE * 4, "test": SENTENCE * 4}
    folders = {
        "no valid.txt": ({"valid": None}, "has no valid.txt"),
        "empty valid.txt": ({"valid": ""}, "is empty"),
        "unseen word": ({"valid": "the quick cat\n"}, "'cat', which train.txt has not"),
        "one word": ({"valid": "the\n", "train": "\n"}, "is empty"),
    }
    for name, (changes, reason) in folders.items():
        path = folder / name
        path.mkdir()
        for part, text in (whole | changes).items():
            if text is not None:
                (path / f"{part}.txt").write_text(text)
        cases[name] = (str(path), reason)
    return cases
