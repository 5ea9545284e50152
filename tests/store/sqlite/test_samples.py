"""Samples go into the file many a statement, and stand there as if each had been written by itself."""

import sqlite3
from collections.abc import Iterator
from itertools import chain

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.store.sqlite.samples import insert_samples
from services.store.sqlite.schema import create_measurement

rows = st.tuples(
    st.integers(1, 4), st.integers(0, 5), st.integers(0, 1), st.floats(allow_nan=False) | st.text(max_size=3)
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.execute(create_measurement("telemetry"))
    yield made
    made.close()


@given(st.lists(rows, max_size=60), st.integers(1, 8))
@example([(1, 1, 0, 2.0), (1, 1, 1, "a text"), (2, 1, 0, 3.0), (1, 1, 0, 4.0)], 1)
@example([(1, 1, 1, 2.0), (1, 0, 1, 1.0)], 130)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_of_the_samples_of_a_series_and_instant_the_last_is_stored(
    connection: sqlite3.Connection, some: list[tuple[int, int, int, float | str]], times: int
) -> None:
    connection.execute("DELETE FROM telemetry")
    written = [
        (series, at + 10 * time, simulated, value) for time in range(times) for series, at, simulated, value in some
    ]
    expected = {row[:2]: row for row in written}
    with_texts = {series for series, _, _, value in written if isinstance(value, str)}
    insert_samples(
        connection,
        list(chain.from_iterable(row for row in written if row[0] not in with_texts)),
        list(chain.from_iterable(row for row in written if row[0] in with_texts)),
    )
    found = connection.execute("SELECT series, time, simulated, coalesce(value, text) FROM telemetry ORDER BY 1, 2")
    assert found.fetchall() == [expected[key] for key in sorted(expected)]
    (both,) = connection.execute("SELECT count(*) FROM telemetry WHERE (value IS NULL) = (text IS NULL)").fetchone()
    assert both == 0


@pytest.mark.parametrize("value", [1.5, "a text"])
def test_a_large_batch_takes_few_statements(connection: sqlite3.Connection, value: float | str) -> None:
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    samples = list(chain.from_iterable((at % 7, at, 0, value) for at in range(5_019)))
    insert_samples(connection, *(([], samples) if isinstance(value, str) else (samples, [])))
    connection.set_trace_callback(None)
    assert len(statements) < 50
    assert connection.execute("SELECT count(*) FROM telemetry").fetchone() == (5_019,)
