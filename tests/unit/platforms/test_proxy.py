"""Proxies as their variable spells them."""

from __future__ import annotations

import pytest

from ai_crm.errors import SettingsInvalid
from ai_crm.platforms.proxy import parse_proxy

TOKEN = "canary-7e1f0b9c2d"


@pytest.mark.parametrize("url", ["socks5://host:1080", "https://host:8080", "host:8080/path", "http://"])
def test_a_proxy_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(SettingsInvalid, match="proxy"):
        parse_proxy(url)


def test_a_proxy_does_not_show_its_password() -> None:
    assert TOKEN not in repr(parse_proxy(f"http://me:{TOKEN}@host:1"))


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://proxy.example:3128", "proxy.example", 3128),
        ("http://proxy.example:3128/", "proxy.example", 3128),
        ("proxy.example:3128", "proxy.example", 3128),
        ("http://proxy.example", "proxy.example", 80),
        ("http://[::1]:3128", "::1", 3128),
    ],
)
def test_a_proxy_is_read_as_its_variable_spells_it(url: str, host: str, port: int) -> None:
    proxy = parse_proxy(url)
    assert (proxy.host, proxy.port, proxy.login) == (host, port, "")


@pytest.mark.parametrize(
    ("login", "header"),
    [
        ("me:pass%40word", "Basic bWU6cGFzc0B3b3Jk"),
        ("me:a:b", "Basic bWU6YTpi"),
        ("me", "Basic bWU6"),
        ("m%C3%A9:x", "Basic bcOpOng="),
    ],
)
def test_the_login_of_a_proxy_is_decoded_once(login: str, header: str) -> None:
    assert parse_proxy(f"http://{login}@proxy.example:1").login == header
