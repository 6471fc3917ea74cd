"""Data sets for the tests of the programs: one that works and many that can't."""

import numpy as np


def write_odd(path) -> None:
    """Colour images of 7x5 pixels and three classes, which the mean colour tells apart."""
    rng = np.random.default_rng(0)

    def part(examples):
        labels = np.arange(examples) % 3
        images = rng.integers(0, 120, (examples, 7, 5, 3))
        images[np.arange(examples), :, :, labels] += 120
        return images.astype("uint8"), labels

    (x_train, y_train), (x_test, y_test) = part(24), part(9)
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


def write_bad(folder) -> dict[str, tuple[str, str]]:
    """Writes data that can't be used; name -> (value of --dataset, a part of the reason)."""
    images = np.random.default_rng(0).uniform(size=(12, 6, 6, 1))
    labels = np.arange(12) % 2
    not_finite = images.copy()
    not_finite[3, 2, 1] = np.nan
    arrays = {
        "NaN": ({"x_train": not_finite, "y_train": labels}, "x_train"),
        "shape": ({"x_train": images[:, 0, 0, 0], "y_train": labels}, "x_train"),
        "channels": ({"x_train": np.repeat(images, 2, -1), "y_train": labels}, "x_train"),
        "number of labels": ({"x_train": images, "y_train": labels[:5]}, "y_train"),
        "one class": ({"x_train": images, "y_train": 0 * labels}, "class"),
        "labels with a gap": ({"x_train": images, "y_train": 5 * labels}, "without gaps"),
        "no labels": ({"x_train": images}, "has no array y_train"),
    }
    cases = {}
    for name, (content, reason) in arrays.items():
        path = folder / f"{name}.npz"
        np.savez(path, **content)
        cases[name] = (str(path), reason)
    (folder / "broken.npz").write_bytes(b"not a zip file")
    (folder / "empty").mkdir()
    (folder / "single" / "cats").mkdir(parents=True)
    return {
        **cases,
        "broken": (str(folder / "broken.npz"), "cannot read"),
        "empty folder": (str(folder / "empty"), "empty"),
        "folder without images": (str(folder / "single"), "single"),
        "nowhere": (str(folder / "nowhere.npz"), "nowhere.npz"),
        "unknown name": ("cifar1000", "cifar1000"),
    }
