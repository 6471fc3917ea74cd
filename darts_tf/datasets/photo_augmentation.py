"""Random changes to photographs: resized crops, colours, RandAugment; one image at a time.

All draws are functions of a seed that is given, so that the batches of an epoch can be had from any
place on.
"""

import keras
import tensorflow as tf

# Of Szegedy et al. (CVPR 2015, section 6): sides of a crop are as 3 to 4 at most.
_RATIOS = (3 / 4, 4 / 3)
# Cubuk et al. (https://arxiv.org/abs/1909.13719): N of RandAugment.
_CHANGES = 2
_LARGEST_HUE = 0.5


def resized_crops(images, seeds, least):
    """Cuts a random rectangle from every image, and resizes it bilinearly to the image's size.

    Args:
        images: Float tensor of shape `[B, H, W, C]`.
        seeds: int32 or int64 `[B, 2]`.
        least: Smallest share of the image's area, above 0; the largest is 1.

    Returns:
        A tensor of the shape and type of `images`.
    """
    size = tf.constant([*images.shape[1:3], images.shape[3]], tf.int32)
    scale = tf.constant([*images.shape[1:3]] * 2, tf.float32)

    def box(seed):
        begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
            size,
            tf.constant([[[0.0, 0.0, 1.0, 1.0]]]),
            seed,
            min_object_covered=0.0,
            aspect_ratio_range=_RATIOS,
            area_range=(least, 1.0),
            max_attempts=10,
            use_image_if_no_bounding_boxes=True,
        )
        begin, extent = begin[:2], extent[:2]
        # Of the first and the last pixel, which is what `crop_and_resize` takes.
        return tf.concat([begin, begin + extent - 1], 0)

    boxes = tf.map_fn(box, seeds, fn_output_signature=tf.TensorSpec([4], tf.int32))
    boxes = tf.cast(boxes, tf.float32) / tf.maximum(scale - 1.0, 1.0)
    cut = tf.image.crop_and_resize(images, boxes, tf.range(tf.shape(images)[0]), images.shape[1:3])
    return tf.ensure_shape(cut, images.shape)


def changed_colors(images, seeds, strength):
    """Changes brightness, contrast and, where there are colours, saturation and hue.

    Args:
        images: Float tensor of shape `[B, H, W, C]`, from 0 to 255.
        seeds: int32 or int64 `[B, 2]`.
        strength: Brightness, contrast and saturation are multiplied by a number from 1 - strength
            to 1 + strength, and the hue turns by up to strength / 2 of half a circle. 0.4 is what
            DARTS' code for ImageNet has.

    Returns:
        A tensor of the shape and type of `images`, from 0 to 255.
    """
    low, high = 1 - strength, 1 + strength

    def change(pair):
        image, seed = pair
        own = tf.random.experimental.stateless_split(seed, 4)
        image = image / 255.0 * tf.random.stateless_uniform([], own[0], low, high)
        image = tf.clip_by_value(image, 0.0, 1.0)
        image = tf.image.stateless_random_contrast(image, low, high, own[1])
        image = tf.clip_by_value(image, 0.0, 1.0)
        if images.shape[3] == 3:
            image = tf.image.stateless_random_saturation(image, low, high, own[2])
            turn = min(strength / 2, _LARGEST_HUE)
            image = tf.image.stateless_random_hue(image, turn, own[3])
        return tf.clip_by_value(image, 0.0, 1.0) * 255.0

    return tf.map_fn(change, (images, seeds), fn_output_signature=_one(images))


class RandAugment:
    """RandAugment: two changes to every image, chosen at random among eleven of Keras.

    `keras.layers.RandAugment` chooses them for a whole batch, computes all eleven, and draws from
    a state of its own, which nothing can go on from.

    Args:
        strength: From 0 to 1, how far a change may go.
    """

    def __init__(self, strength: float):
        layers, span = keras.layers, (0, 255)
        options = {"value_range": span, "dtype": "float32", "data_format": "channels_last"}
        self._seeds = _GivenSeeds(0)
        shift = {"fill_mode": "constant", "fill_value": 127.0, "dtype": "float32"}
        shift["data_format"] = "channels_last"
        self._changes = [
            layers.RandomShear(0.3 * strength, 0.3 * strength, **shift),
            layers.RandomTranslation(0.45 * strength, 0.45 * strength, **shift),
            # Of a full turn: 30 degrees.
            layers.RandomRotation(strength / 12, **shift),
            layers.RandomBrightness(0.5 * strength, **options),
            layers.RandomColorDegeneration(strength, **options),
            layers.RandomContrast(0.9 * strength, **options),
            layers.RandomSharpness(strength, **options),
            # A single number of bits would be the most of several.
            layers.RandomPosterization((8 - round(4 * strength), 8), **options),
            layers.Solarization(0.0, (1 - strength, 1.0), **options),
            layers.AutoContrast(**options),
            layers.Equalization(**options),
        ]
        for change in self._changes:
            change.generator = self._seeds

    def __call__(self, images, seeds):
        """Changes every image.

        Args:
            images: Float tensor of shape `[B, H, W, C]`, from 0 to 255.
            seeds: int32 or int64 `[B, 2]`.

        Returns:
            A tensor of the shape and type of `images`, from 0 to 255.
        """

        def change(pair):
            image, seed = pair
            for own in tf.unstack(tf.random.experimental.stateless_split(seed, _CHANGES)):
                which, drawn = tf.unstack(tf.random.experimental.stateless_split(own, 2))
                number = tf.random.stateless_uniform([], which, 0, len(self._changes), tf.int32)
                branches = [self._branch(layer, image, drawn) for layer in self._changes]
                image = tf.switch_case(number, branches)
            return image

        return tf.map_fn(change, (images, seeds), fn_output_signature=_one(images))

    def _branch(self, layer, image, seed):
        def run():
            self._seeds.give(seed)
            changed = tf.ensure_shape(layer(image[tf.newaxis], training=True)[0], image.shape)
            return tf.clip_by_value(changed, 0.0, 255.0)

        return run


class _GivenSeeds(keras.random.SeedGenerator):
    """The seeds that Keras' layers draw with, all made of one that is given."""

    def give(self, seed):
        self._given, self._count = seed, 0

    def next(self, ordered=True):
        self._count += 1
        return tf.random.experimental.stateless_fold_in(self._given, self._count)


def _one(images):
    return tf.TensorSpec(images.shape[1:], images.dtype)
