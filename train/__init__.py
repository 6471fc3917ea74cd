"""The programs: one for each verb, `python -m train.VERB --help`."""

import os

# Before TensorFlow is imported: its start-up lines are no news to a user. Errors are still shown.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
