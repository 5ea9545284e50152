"""What is resolved by the fields that a sum has is what each indicator finds of the sum by itself."""

from typing import Any

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from services.ledger.fields import FARTHEST, FIELDS, NANO, Sums
from services.ledger.indicators.capability import Capability
from services.ledger.indicators.indicators import INDICATORS, Context, evaluate
from services.ledger.indicators.resolved import resolved
from services.ledger.indicators.terms import Terms
from tests.properties import examples

BORE = Capability(
    asset="works/hall/line-1/mill-1",
    characteristic="bore",
    n=30,
    mean=1.0,
    s=0.1,
    s_within=0.1,
    lower=0.5,
    upper=1.5,
    cm=1.7,
    cmk=1.6,
    cp=1.5,
    cpk=1.4,
)
AMOUNTS = st.sampled_from([0, 0, 1, NANO, 3 * NANO, 3_600 * NANO, -NANO, 2 * FARTHEST, 10**400])
SUMS = st.dictionaries(st.sampled_from(FIELDS), AMOUNTS, max_size=20)
CONTEXTS = st.builds(
    Context,
    operations=st.lists(SUMS, max_size=3).map(tuple),
    bottleneck=st.none(),
    capabilities=st.sampled_from([(), (BORE,)]),
    not_reported=st.frozensets(st.sampled_from(FIELDS)),
    output_not_reported=st.booleans(),
    planned=st.sampled_from([None, 0, NANO]),
    metered=st.none() | SUMS,
)


@pytest.mark.slow
@examples(300)
@hypothesis.given(SUMS, CONTEXTS)
def test_indicators_together_are_what_each_is_by_itself(sums: Sums, context: Context) -> None:
    if len(context.operations) == 1:  # a machine is its only operation
        context = msgspec.structs.replace(context, operations=(sums,))
    values, reasons = evaluate(sums, context)
    each = {name: indicator.evaluate(Terms(sums, context)) for name, indicator in INDICATORS.items()}
    assert values == {name: value for name, (value, _) in each.items()}
    assert reasons == {name: why_not for name, (_, why_not) in each.items() if why_not is not None}


class Noted(dict[str, int]):
    """Sums that note which fields were read."""

    def __init__(self, sums: Sums, fields: set[str]) -> None:
        super().__init__(sums)
        self.fields = fields

    def get(self, field: str, default: Any = None) -> Any:
        self.fields.add(field)
        return super().get(field, default)

    def __getitem__(self, field: str) -> int:
        self.fields.add(field)
        return super().__getitem__(field)


@pytest.mark.slow
@examples(60)
@hypothesis.given(SUMS, CONTEXTS)
def test_an_indicator_reads_no_other_fields_than_it_says(sums: Sums, context: Context) -> None:
    for name, indicator in INDICATORS.items():
        read: set[str] = set()
        operations = tuple(Noted(each, read) for each in context.operations)
        noted = Context(operations=operations, planned=context.planned, not_reported=context.not_reported)
        indicator.evaluate(Terms(Noted(sums, read), noted))
        assert read <= indicator.fields, name


def test_a_machine_without_orders_and_material_has_less_to_compute() -> None:
    sums = {"running_s": 60 * NANO, "produced": 5 * NANO, "good": 5 * NANO}
    known = resolved(sums, Context(operations=(sums,)))
    computed = {each.indicator.name for each in known.quotients} | {each.name for each in known.indicators}
    assert "availability" in computed
    assert not computed & {
        "allocation_ratio",
        "finished_goods_ratio",
        "cpk",
        "inventory_turns",
        "worker_efficiency",
        "takt",
        "bottleneck_oee",
    }
