"""A folder with one folder of images for each class."""

import concurrent.futures
import os

import numpy as np
from absl import logging
from PIL import Image

from darts_tf.datasets import pixels
from darts_tf.datasets.source import Source
from darts_tf.errors import UserError

_EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif")
_GREY = ("1", "L", "LA", "La")
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


def folder_source(path, image_size):
    """Lists `FOLDER/class/*.png`, or `FOLDER/train/class/*.png` and `FOLDER/test/class/*.png`.

    Files may end in png, jpg, jpeg, bmp or gif (the first picture of it); others are ignored, as
    is whatever begins with a dot. Grey images keep one channel; where some are in colour all get
    three. Transparent images are laid over white. Rotation marks of cameras are not followed.

    Args:
        path: The folder.
        image_size: `(height, width)` to resize to, or None: then all images must have one size.

    Returns:
        A `Source` that reads the images when it is asked for them.

    Raises:
        UserError: If the folder has another structure, fewer than two classes, a class without
            images, or an image that cannot be read.
    """
    parts = _parts(path)
    class_names = _class_names(parts["train"])
    files = {part: [] for part in parts}
    labels = {part: [] for part in parts}
    for part, folder in parts.items():
        for name in _class_names(folder):
            if name not in class_names:
                raise UserError(
                    f"{folder} has a class {name!r} that {parts['train']} has not: remove it or "
                    "add training images"
                )
            found = _files(os.path.join(folder, name))
            if not found:
                raise UserError(
                    f"class folder {os.path.join(folder, name)} has no image: add images that end "
                    f"in {', '.join(_EXTENSIONS)}, or remove the folder"
                )
            files[part] += found
            labels[part] += [class_names.index(name)] * len(found)
    image_shape = _common_shape(files["train"] + files.get("test", []), image_size)
    numbered = {part: np.array(values, np.int32) for part, values in labels.items()}
    return Source(
        name=os.path.basename(os.path.abspath(path)),
        class_names=tuple(class_names),
        image_shape=image_shape,
        photos=False,
        train_labels=numbered["train"],
        read_train=_reader(files["train"], image_shape),
        test_labels=numbered.get("test"),
        read_test=_reader(files["test"], image_shape) if "test" in files else None,
    )


def _parts(path):
    """Returns `{"train": folder}`, with `"test"` where there is one."""
    folders = _folders(path)
    # Without folders of its own, "train" may be a class: that of railway trains.
    if "train" in folders and _folders(os.path.join(path, "train")):
        unused = [name for name in folders if name not in ("train", "test")]
        if unused:
            logging.warning("%s: folders that are not used: %s", path, ", ".join(unused))
        return {name: os.path.join(path, name) for name in ("train", "test") if name in folders}
    if folders == ["test", "train"]:
        raise UserError(
            f"{os.path.join(path, 'train')} has no folders of images: expected one folder for each "
            f"class, such as {os.path.join(path, 'train', 'cat', '1.png')}"
        )
    return {"train": path}


def _folders(path):
    with os.scandir(path) as entries:
        return sorted(item.name for item in entries if item.is_dir() and item.name[0] != ".")


def _files(path):
    with os.scandir(path) as entries:
        return sorted(
            item.path
            for item in entries
            if item.is_file() and item.name[0] != "." and item.name.lower().endswith(_EXTENSIONS)
        )


def _class_names(folder):
    names = _folders(folder)
    if not names:
        raise UserError(
            f"{folder} has no folders of images: expected one folder for each class, such as "
            f"{os.path.join(folder, 'cat', '1.png')}"
        )
    return names


def _common_shape(files, image_size):
    """Looks at every file's header; returns the `(H, W, C)` that all images are brought to."""
    grey = True
    first = None
    for file in files:
        try:
            with Image.open(file) as picture:
                mode, size = picture.mode, (picture.height, picture.width)
        except _UNREADABLE as error:
            raise _unreadable(file) from error
        if mode[0] in "IF":
            raise UserError(
                f"image {file} has more than 8 bits a channel (Pillow's mode {mode}): save it "
                "with 8"
            )
        grey = grey and mode in _GREY
        first = first or (file, size)
        if image_size is None and size != first[1]:
            raise UserError(
                f"images differ in size ({first[0]} is {first[1][0]}x{first[1][1]}, {file} is "
                f"{size[0]}x{size[1]}): give --image_size to bring all to one size"
            )
    size = image_size or first[1]
    pixels.check_sides(size, first[0])
    return (*size, 1 if grey else 3)


def _reader(files, image_shape):
    def read(indices):
        images = np.empty((len(indices), *image_shape), np.uint8)

        def read_one(position):
            images[position] = _read_image(files[indices[position]], image_shape)

        # Pillow decodes outside of Python's lock, so threads help.
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(read_one, range(len(indices))))
        return images

    return read


def _read_image(file, image_shape):
    try:
        with Image.open(file) as picture:
            transparent = "transparency" in picture.info or picture.mode[-1] in "Aa"
            mode = "L" if image_shape[2] == 1 else "RGB"
            if transparent:
                mode = "LA" if mode == "L" else "RGBA"
            image = np.asarray(picture.convert(mode))
    except _UNREADABLE as error:
        raise _unreadable(file) from error
    if image.ndim == 2:
        image = image[..., np.newaxis]
    if transparent:
        image = pixels.over_white(image)
    return pixels.resize(image, image_shape[:2])


def _unreadable(file):
    return UserError(
        f"cannot read image {file}: it is damaged or not an image; replace or remove it"
    )
