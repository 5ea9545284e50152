"""Questions are asked of both engines: the stores are those of the tests of the store."""

from tests.store.conftest import influx_url as influx_url
from tests.store.conftest import influxd as influxd
from tests.store.conftest import store as store
