"""Hosts that only this computer can reach."""

import pytest

from broker.mqtt.loopback import is_loopback


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.8.7", "::1", "[::1]", "::ffff:127.0.0.1", "localhost", "LocalHost"]
)
def test_this_computer_is_this_computer(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "0.0.0.0", "::", "[::]", "0", "192.0.2.1", "::ffff:192.0.2.1", "fe80::1", "plant.example", "localhost.x"],
)
def test_what_others_may_reach_is_not(host: str) -> None:
    assert not is_loopback(host)
