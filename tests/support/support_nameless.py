"""`python -m support_nameless …`: syncd without its look before a resend, and with comments' ids in Linear by lot.

For the one test that must fail with it.
"""

from unittest.mock import patch
from uuid import uuid4

from support_blind import blind


def by_lot(*_parts: str) -> str:
    """In the place of an id that is drawn from what a thing is: another one each time."""
    return str(uuid4())


if __name__ == "__main__":
    with patch("connectors.linear.writer.comment_id", by_lot):
        blind()
