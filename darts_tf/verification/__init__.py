"""The claims of this package, as data: `python -m train.verify` checks them anywhere."""

from darts_tf.verification import closed_forms, networks, recurrent, transferability
from darts_tf.verification.claim import Claim, Result, check

__all__ = ["CLAIMS", "Claim", "Result", "check"]

CLAIMS: tuple[Claim, ...] = (
    *closed_forms.CLAIMS,
    *networks.CLAIMS,
    *recurrent.CLAIMS,
    *transferability.CLAIMS,
)
