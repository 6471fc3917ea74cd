"""Facts that `image_graph` needs of a file before it decodes it, read from its bytes in a graph.

In all functions `data` is uint8 `[N]`, the file's bytes and then `PADDING` zeros, so that nobody
has to ask whether there is another byte. Numbers and positions are int64 scalars.
"""

import tensorflow as tf

PADDING = 64
# Of the parts that a file consists of. More are refused, as looking at them would take too long.
_MOST_PARTS = 100_000
_EXIF_PREFIX = b"Exif\0\0"
_BMP_HEADERS = (40, 52, 56, 64, 108, 124)


def number(data, position, size, big=True):
    """Returns the whole number in `size` bytes from `position` on; `big`: highest byte first."""
    digits = tf.cast(_bytes(data, position, size), tf.int64)
    powers = tf.constant([256**power for power in range(size)], tf.int64)
    if isinstance(big, bool):
        powers = powers[::-1] if big else powers
    else:
        powers = tf.where(big, powers[::-1], powers)
    return tf.reduce_sum(digits * powers)


def jpeg(data):
    """Finds the EXIF data of a JPEG file.

    Returns:
        `(start, end, several)`: from where to where it goes (0, 0 without), and whether there are
        further parts of it.
    """

    def goes_on(position, start, end, segments):
        marker = number(data, position, 2)
        return (marker != 0xFFD9) & (marker != 0xFFDA)

    def step(position, start, end, segments):
        first, marker = number(data, position, 1), number(data, position + 1, 1)
        size = tf.maximum(number(data, position + 2, 2), 2)
        # Any number of 0xFF may stand before a marker, and some markers have nothing after them.
        junk = (first != 0xFF) | (marker == 0xFF)
        bare = (marker <= 0x01) | ((marker >= 0xD0) & (marker <= 0xD8))
        exif = ~junk & (marker == 0xE1) & (size >= 8) & _equals(data, position + 4, _EXIF_PREFIX)
        first_exif = exif & (segments == 0)
        following = position + _choose(junk, 1, _choose(bare, 2, 2 + size))
        start = _choose(first_exif, position + 10, start)
        end = _choose(first_exif, position + 2 + size, end)
        return following, start, end, segments + tf.cast(exif, tf.int64)

    _, start, end, segments = _walk(data, goes_on, step, 2, 0, 0, 0)
    return start, end, segments > 1


def png(data):
    """Looks through the chunks of a PNG file.

    Returns:
        `(transparent, start, end)`: whether there is a tRNS chunk, and from where to where the
        EXIF data goes (0, 0 without).
    """

    def goes_on(position, transparent, start, end):
        return ~_equals(data, position + 4, b"IEND")

    def step(position, transparent, start, end):
        following = position + 12 + number(data, position, 4)
        exif = _equals(data, position + 4, b"eXIf")
        transparent += tf.cast(_equals(data, position + 4, b"tRNS"), tf.int64)
        start, end = _choose(exif, position + 8, start), _choose(exif, following - 4, end)
        return following, transparent, start, end

    _, transparent, start, end = _walk(data, goes_on, step, 8, 0, 0, 0)
    return transparent > 0, start, end


def gif_is_plain(data):
    """Whether the first picture of a GIF file fills it and has no transparent colour."""
    flags = number(data, 10, 1)
    shift = tf.bitwise.left_shift(tf.constant(2, tf.int64), flags % 8)
    colour_table = _choose(flags >= 128, 3 * shift, 0)

    def goes_on(position, inside, transparent):
        return (inside > 0) | (number(data, position, 1) != 0x2C)

    def step(position, inside, transparent):
        # An extension consists of blocks, each with its length before it, up to one of length 0.
        first = number(data, position, 1)
        extension = (inside == 0) & (first == 0x21)
        control = extension & (number(data, position + 1, 1) == 0xF9)
        transparent += tf.cast(control, tf.int64) * (number(data, position + 3, 1) % 2)
        following = position + _choose(extension, 2, 1 + inside * first)
        inside = tf.cast(extension | ((inside > 0) & (first > 0)), tf.int64)
        return following, inside, transparent

    position, _, transparent = _walk(data, goes_on, step, 13 + colour_table, 0, 0)
    whole = tf.concat([tf.zeros([4], tf.uint8), _bytes(data, 6, 4)], 0)
    return (transparent == 0) & tf.reduce_all(_bytes(data, position + 1, 8) == whole)


def bmp_is_plain(data):
    """Whether a BMP file has uncompressed colours, or 256 levels of grey in their order."""
    header, packed = number(data, 14, 4, big=False), number(data, 30, 4, big=False)
    bits, used = number(data, 28, 2, big=False), number(data, 46, 4, big=False)
    start = tf.minimum(14 + header, tf.size(data, tf.int64))
    palette = data[start : start + 1024]
    palette = tf.reshape(tf.pad(palette, [[0, 1024 - tf.size(palette)]]), [256, 4])
    grey = palette[:, :3] == tf.cast(tf.range(256), tf.uint8)[:, tf.newaxis]
    in_order = (bits == 8) & ((used == 0) | (used == 256)) & tf.reduce_all(grey)
    known = tf.reduce_any(header == tf.constant(_BMP_HEADERS, tf.int64)) & (packed == 0)
    return known & ((bits == 24) | (bits == 32) | in_order)


def directory_is_inside(data, start, end):
    """Whether the first directory of the EXIF data from `start` to `end` lies within it."""
    _, first, count, size = _directory(data, start, end)
    return first + 12 * count <= size


def orientation(data, start, end):
    """Reads the camera's mark from the EXIF data from `start` to `end`, as `image_files` does.

    Returns:
        int32 scalar, 1 (upright) to 8.
    """
    big, first, count, size = _directory(data, start, end)
    count = tf.minimum(count, (size - first) // 12)
    start = tf.minimum(end - size + first, tf.size(data, tf.int64))
    entries = data[start : start + 12 * tf.maximum(count, 0)]
    entries = tf.cast(tf.reshape(entries[: tf.size(entries) // 12 * 12], [-1, 12]), tf.int64)

    def column(position, size):
        digits = entries[:, position : position + size]
        digits = tf.where(big, digits, digits[:, ::-1])
        return tf.reduce_sum(digits * [256**power for power in reversed(range(size))], axis=1)

    found = (column(0, 2) == 0x0112) & (column(2, 2) == 3) & (column(4, 4) == 1)
    value = tf.concat([tf.boolean_mask(column(8, 2), found), [1]], 0)[0]
    return tf.cast(_choose((value >= 1) & (value <= 8), value, 1), tf.int32)


def _directory(data, start, end):
    """Returns byte order, start after its count, count and the size of all, of EXIF data.

    The start counts from where the data itself begins, which is `end - size`. There are no entries
    where the data is damaged.
    """
    start += _choose(_equals(data, start, _EXIF_PREFIX), len(_EXIF_PREFIX), 0)
    big = _equals(data, start, b"MM\0*")
    size = end - start
    first = number(data, start + 4, 4, big) + 2
    sound = (big | _equals(data, start, b"II*\0")) & (size >= 8) & (first <= size)
    count = number(data, start + first - 2, 2, big)
    return big, _choose(sound, first, 0), _choose(sound, count, 0), size


def _walk(data, goes_on, step, *state):
    """Repeats `step` on int64 scalars, the first one a position, to the end of the file at most."""
    end = tf.size(data, tf.int64) - PADDING

    def condition(position, *others):
        return (position < end) & goes_on(position, *others)

    def body(position, *others):
        position, *others = step(position, *others)
        return tf.minimum(position, end), *others

    state = tuple(tf.cast(value, tf.int64) for value in state)
    state = tf.while_loop(condition, body, state, maximum_iterations=_MOST_PARTS)
    with required(~condition(*state), f"it has more than {_MOST_PARTS} parts"):
        return tuple(tf.identity(value) for value in state)


def required(condition, reason):
    """Returns a context: what is computed in it, is so only where `condition` holds."""
    text = f"this file is not read by TensorFlow alone as it was in training: {reason}"
    return tf.control_dependencies([tf.raw_ops.Assert(condition=condition, data=[text])])


def _choose(condition, one, other):
    return tf.where(condition, tf.cast(one, tf.int64), tf.cast(other, tf.int64))


def _equals(data, position, text):
    return tf.reduce_all(_bytes(data, position, len(text)) == tf.constant(list(text), tf.uint8))


def _bytes(data, position, size):
    position = tf.minimum(tf.cast(position, tf.int64), tf.size(data, tf.int64) - size)
    return tf.slice(data, [position], [size])
