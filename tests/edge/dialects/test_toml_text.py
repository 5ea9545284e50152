"""What is written into a suggested mapping file is read again, whatever a device calls its values."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from edge.dialects.toml_text import comment, quoted

NAMES = st.text(st.characters(exclude_categories=["Cs"]))


@given(NAMES)
def test_a_text_is_read_as_it_was(name: str) -> None:
    assert tomllib.loads(f"{comment(name)}\nname = {quoted(name)}\n") == {"name": name}
