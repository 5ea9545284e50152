"""Register maps: what the words of a value mean, what is asked for at once, and mistakes of a file."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.contract.errors import ContractError
from edge.dialects.shopfloor import modbus_map
from edge.dialects.shopfloor.modbus_map import MOST_AT_ONCE, Value

DEVICE = '[device.a]\naddress = "10.0.0.1"\n'


def words(packed: bytes) -> list[int]:
    return list(struct.unpack(f">{len(packed) // 2}H", packed))


@given(st.integers(-(2**31), 2**31 - 1))
def test_the_order_of_words_is_the_devices(value: int) -> None:
    one = Value(register=0, type="int32", signal="a")
    high_first = words(struct.pack(">i", value))
    assert modbus_map.number(one, high_first, "high-first") == value
    assert modbus_map.number(one, high_first[::-1], "low-first") == value


@given(st.sets(st.tuples(st.sampled_from(["holding", "coil"]), st.integers(0, 65_000)), min_size=1, max_size=60))
def test_the_blocks_hold_all_values_and_none_is_too_long(places: set[tuple[str, int]]) -> None:
    lines = "".join(
        f'[[device.a.value]]\nsignal = "s"\ntable = "{table}"\nregister = {register}\ntype = "uint32"\n'
        for table, register in places
    )
    device = modbus_map.parse(DEVICE + lines)["a"]
    blocks = device.blocks()
    assert all(count <= MOST_AT_ONCE[table] for table, _, count in blocks)
    for one in device.value:
        assert any(
            table == one.table and first <= one.register and one.register + one.length <= first + count
            for table, first, count in blocks
        )


def test_a_bit_of_a_register_and_a_coil_are_true_or_false() -> None:
    assert modbus_map.number(Value(register=0, type="bit", bit=3, signal="a"), [0b1000], "high-first") is True
    assert modbus_map.number(Value(register=0, type="bit", bit=2, signal="a"), [0b1000], "high-first") is False
    assert modbus_map.number(Value(register=0, table="coil", signal="a"), [1], "high-first") is True


def test_a_scale_adds_no_digits_and_whole_numbers_stay_exact() -> None:
    assert modbus_map.number(Value(register=0, signal="a", scale=0.1), [3], "high-first") == 0.3
    large = words(struct.pack(">Q", 2**53 - 1))
    assert modbus_map.number(Value(register=0, type="uint64", signal="a"), large, "high-first") == 2**53 - 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nonsense", "cannot be read"),
        ("[device.a]\nvalue = []\n", "address"),
        (DEVICE + "value = [{ register = 1 }]", "value 1: give it one of signal, count, meter and state"),
        (DEVICE + 'value = [{ register = 1, signal = "a", count = "good" }]', "give it one of"),
        (DEVICE + 'value = [{ register = 1, signal = "A b" }]', "'A b' is not a name"),
        (DEVICE + 'value = [{ register = 65535, signal = "a", type = "int32" }]', "register 65535"),
        (DEVICE + 'value = [{ register = 1, signal = "a", bit = 3 }]', "a bit has its place"),
        (DEVICE + 'value = [{ register = 1, state = { 1 = "fast" } }]', "state 'fast' is none of"),
        (DEVICE + 'value = [{ register = 1, signal = "a", typ = "int16" }]', "unknown field `typ`"),
        (DEVICE + 'every = "soon"\nvalue = []', "address, unit or every is out of range"),
        (DEVICE.replace("10.0.0.1", "10.0.0.1:x") + "value = []", "address, unit or every is out of range"),
    ],
)
def test_a_mistake_is_named(text: str, problem: str) -> None:
    with pytest.raises(ContractError, match=problem):
        modbus_map.parse(text)
