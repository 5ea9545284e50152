"""The alphabet of names: levels of a topic, signals, meters, reason codes."""

import re
from typing import Final

NAME_PATTERN: Final = "^[a-z0-9][a-z0-9-]{0,31}$"
"""The alphabet of topic levels, names and reason codes, as JSON Schema writes it."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")


def is_name(text: str) -> bool:
    """Whether `text` may stand as one level of a topic, a signal's name or a reason code."""
    return _NAME.match(text) is not None
