"""Results of the operations, from their definitions: a loop over the output's pixels.

Padding is PyTorch's, as in the code that the published cells were found with: `padding` zeros on
both sides, output size floor((size + 2 padding - dilation (kernel - 1) - 1) / strides) + 1.
"""

import numpy as np


def relu(x):
    return np.where(x > 0, x, 0.0)


def windows(x, size, strides=(1, 1), padding=(0, 0), dilation=1):
    """Every output pixel with its window: (row, column, {(i, j): pixel [batch, channels]}).

    The window holds only those of its pixels that lie inside the image.
    """
    height, width = x.shape[1:3]
    span = [dilation * (k - 1) + 1 for k in size]
    rows = (height + 2 * padding[0] - span[0]) // strides[0] + 1
    columns = (width + 2 * padding[1] - span[1]) // strides[1] + 1
    for row in range(rows):
        for column in range(columns):
            window = {}
            for i in range(size[0]):
                for j in range(size[1]):
                    y = row * strides[0] - padding[0] + i * dilation
                    z = column * strides[1] - padding[1] + j * dilation
                    if 0 <= y < height and 0 <= z < width:
                        window[i, j] = x[:, y, z, :]
            yield row, column, window


def _image(pixels):
    """{(row, column): [batch, channels]} as one array."""
    rows, columns = (max(place[axis] for place in pixels) + 1 for axis in (0, 1))
    return np.stack(
        [np.stack([pixels[row, column] for column in range(columns)], 1) for row in range(rows)], 1
    )


def convolution(x, kernel, strides=(1, 1), padding=(0, 0)):
    """Kernel `[height, width, inputs, outputs]`."""
    pixels = {}
    for row, column, window in windows(x, kernel.shape[:2], strides, padding):
        pixels[row, column] = sum(pixel @ kernel[i, j] for (i, j), pixel in window.items())
    return _image(pixels)


def depthwise(x, kernel, strides=1, padding=0, dilation=1):
    """Kernel `[height, width, channels, 1]`."""
    pixels = {}
    for row, column, window in windows(
        x, kernel.shape[:2], (strides, strides), (padding, padding), dilation
    ):
        pixels[row, column] = sum(pixel * kernel[i, j, :, 0] for (i, j), pixel in window.items())
    return _image(pixels)


def max_pool(x, strides):
    return _image(
        {
            (row, column): np.max(list(window.values()), axis=0)
            for row, column, window in windows(x, (3, 3), (strides, strides), (1, 1))
        }
    )


def mean_pool(x, strides):
    """The mean of the pixels inside the image: padding is not counted."""
    return _image(
        {
            (row, column): np.mean(list(window.values()), axis=0)
            for row, column, window in windows(x, (3, 3), (strides, strides), (1, 1))
        }
    )


def normalize(x, gamma=1.0, beta=0.0, epsilon=1e-5):
    """Batch normalisation by the batch's own mean and (biased) variance."""
    mean = x.mean(axis=(0, 1, 2))
    variance = ((x - mean) ** 2).mean(axis=(0, 1, 2))
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta
