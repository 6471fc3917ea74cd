"""The programs: one for each verb, `python -m train.VERB --help`."""

import os
import sys

from train import stops

# Before TensorFlow is imported: its start-up lines are no news to a user. Errors are still shown.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Before Keras is imported: whatever a user's other work runs on, these programs run on TensorFlow.
os.environ["KERAS_BACKEND"] = "tensorflow"

# That import takes seconds, in which a signal may come too. Where Python looks for the program of
# `python -m train.VERB`, the name of the running one is not known yet.
if sys.argv[:1] == ["-m"]:
    stops.install()
