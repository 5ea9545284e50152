"""The address of a broker, as a URL."""

import pytest

from broker.mqtt import address
from broker.mqtt.session import Session, SessionError


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("localhost:1883", "begins with"),
        ("http://localhost", "begins with 'http'"),
        ("mqtt://", "names no host"),
        ("mqtt://user:secret@host:port", "no readable host and port"),
        ("mqtt://user:sec/ret@host", "readable|path"),
        ("mqtt://host/topic", "path"),
        ("mqtt://host?ca=x", "without TLS"),
        ("mqtts://host?ac=x", "option 'ac'"),
        ("mqtts://host?ca=/no/such.pem", "no file '/no/such.pem'"),
        ("mqtts://host?key=/no/such.pem", "without its cert"),
    ],
)
def test_a_url_with_a_mistake_is_explained_without_its_password(url: str, problem: str) -> None:
    with pytest.raises(SessionError, match=problem) as caught:
        Session(url, client_id="a")
    assert "sec" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("mqtt://localhost", ("localhost", 1883, None, None)),
        ("mqtts://localhost", ("localhost", 8883, None, None)),
        ("mqtt://us%40er:p%3Aa%2Fss%25@[::1]:99", ("::1", 99, "us@er", "p:a/ss%")),
        ("mqtt://user@host/", ("host", 1883, "user", None)),
    ],
)
def test_a_url_is_parsed(url: str, parts: tuple[str, int, str | None, str | None]) -> None:
    found = address.parse(url)
    assert (found.host, found.port, found.user, found.password) == parts
    assert found.password is None or found.password not in repr(found)
