"""How many examples Hypothesis tries: `EXAMPLES=10` in the environment tries ten times as many, `0.25` a quarter.

`corridor test` tries a quarter, for it is run between two commits; CI and `--slow` try all.
"""

import os
from typing import Any

import hypothesis

SHARE = float(os.environ.get("EXAMPLES", "1"))
PHASES = [phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.explain]  # it is slow


def examples(most: int, **settings: Any) -> hypothesis.settings:
    """Return settings that try a share of `most` examples, at least one."""
    return hypothesis.settings(max_examples=max(1, round(most * SHARE)), phases=PHASES, **settings)
