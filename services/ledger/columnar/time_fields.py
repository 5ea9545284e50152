"""Which field of a row a piece of time adds to, as arrays: the rules of `rows.time_field` for every case."""

from typing import Final

import numpy as np

from broker.contract.events import STATES
from services.ledger.fields import FIELDS
from services.ledger.stops import WORKING
from services.ledger.time_field import STOPPED, time_field

PLACE: Final = {field: place for place, field in enumerate(FIELDS)}
NOT_PLANNED: Final = 1  # 0 stands for no calendar, 2 for planned
IS_WORKING: Final = np.array([state in WORKING for state in STATES])
_FIELD_NAMES: Final = [
    [
        [time_field(state, planned, has_order=has_order) for has_order in (False, True)]
        for planned in (None, False, True)
    ]
    for state in STATES
]
FIELD: Final = np.array([[[PLACE[name] for name in names] for names in by_plan] for by_plan in _FIELD_NAMES])
"""The field of time by state, plan (none, no, yes), and whether an order is on."""
HAS_REASON: Final = np.array(
    [
        [[name in (f"{state}_s", "no_order_s") for name in names] for names in by_plan]
        for state, by_plan in zip(STATES, _FIELD_NAMES, strict=True)
    ]
)
"""Whether the time is also summed by its reason, if there is one, …"""
IS_STOPPED: Final = np.array([[[name in STOPPED for name in names] for names in by_plan] for by_plan in _FIELD_NAMES])
"""… and whether it is even if there is none."""
