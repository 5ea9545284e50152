"""Cases are asked of both engines: the stores are those of the tests of the store."""

from tests.store.conftest import influx_url as influx_url  # noqa: PLC0414
from tests.store.conftest import influxd as influxd  # noqa: PLC0414
from tests.store.conftest import store as store  # noqa: PLC0414
