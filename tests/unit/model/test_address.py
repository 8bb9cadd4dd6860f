"""Addresses: each is read in one way or not at all."""

from __future__ import annotations

import pytest

from ai_crm.errors import SettingsInvalid
from ai_crm.model.address import is_loopback, parse_address

TOKEN = "canary-7e1f0b9c2d"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://api.github.com", "https://api.github.com"),
        ("https://API.GitHub.com/", "https://api.github.com"),
        ("https://ghe.example:8443/api/v3/", "https://ghe.example:8443/api/v3"),
        ("https://my_hub:443", "https://my_hub"),
        ("https://[2001:DB8::1]/x", "https://[2001:db8::1]/x"),
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:81", "http://[::1]:81"),
    ],
)
def test_an_address_is_read_in_one_way(url: str, shown: str) -> None:
    assert str(parse_address(url)) == shown


def test_only_this_machine_is_loopback() -> None:
    assert is_loopback(parse_address("http://localhost:1"))
    assert not is_loopback(parse_address("https://localhost.example"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.github.com",
        "//api.github.com",
        "ftp://api.github.com",
        "HTTPS://api.github.com",
        "http://api.github.com",
        "http://127.0.0.2",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://0x7f.1",
        "http://2130706433",
        "https://user:password@api.github.com",
        "https://api.github.com@evil.example",
        "https://api.github.com\\@evil.example",
        "https://api.github.com?x=1",
        "https://api.github.com/?x=1",
        "https://api.github.com/#x",
        "https://api.github.com:0",
        "https://api.github.com:65536",
        "https://api.github.com:x",
        "https://api.github.com:",
        "https://api github.com",
        " https://api.github.com",
        "https://api.github.com\n",
        "https://api.gith\tub.com",
        "https://api..github.com",
        "https://.github.com",
        "https://github.com.",
        "https://" + "a" * 64 + ".example",
        "https://gïthub.com",
        "https://[::1",
        "https://[::1]evil",
        "https://",
        "https:///path",
    ],
)
def test_an_address_that_can_be_read_in_two_ways_or_is_not_secure_is_refused(url: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        parse_address(url)
    assert "evil" not in str(caught.value)
