"""Topics for the tests of sessions."""

from uuid import uuid4

import pytest


@pytest.fixture
def topic() -> str:
    """A topic that no other test uses."""
    return f"t/{uuid4().hex[:8]}"
