"""Where the packages go; all else is in pyproject.toml.

The programs of `train/` are installed inside of the package, `darts_tf/programs/train`, because a
package named `train` would collide with those of others; the command `darts-tf` runs them there.
"""

from setuptools import find_packages, setup

programs = [f"darts_tf.programs.{name}" for name in find_packages(include=["train", "train.*"])]
setup(
    packages=[*find_packages(include=["darts_tf", "darts_tf.*"]), *programs],
    package_dir={"darts_tf.programs.train": "train"},
)
