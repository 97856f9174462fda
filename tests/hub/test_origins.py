"""Which requests are let in: by Origin, by Host, by the address they came to, by what their address tells."""

import pytest

from hub.origins import Asked, refusal

ALLOWED = ("https://dashboard.example", "http://other.example:8080")


def let_in(origin: str | None, host: str | None, *, is_open: bool = False, **more: object) -> str | None:
    """None, or the code of the refusal."""
    refused = refusal(Asked("/v1/live", origin, host, **more), ALLOWED, is_open=is_open)  # type: ignore[arg-type]
    return refused and refused.code


ORIGINS = {
    None: True,
    "http://hub.example": True,
    "https://hub.example": True,  # a proxy in front speaks TLS
    "https://hub.example:8443": False,
    "http://hub.example:80": True,
    "HTTP://HUB.EXAMPLE": True,
    "https://dashboard.example": True,
    "HTTPS://DASHBOARD.EXAMPLE": True,
    "http://dashboard.example": False,
    "https://dashboard.example.evil.example": False,
    "https://dashboard.example:444": False,
    "https://evil.example": False,
    "null": False,
    "": False,
    "hub.example": False,
    "http://hub.example.evil.example": False,
    "http://hub.example@evil.example": False,
    "http://evil.example/hub.example": False,
    "http://[hub.example": False,
    "file://": False,
    "http://hub.example:99999": False,
    "chrome-extension://hub.example": False,
    "http://localhost": False,
}


@pytest.mark.parametrize(("origin", "allowed"), ORIGINS.items())
def test_only_the_own_page_and_those_allowed_may_use_it(origin: str | None, allowed: bool) -> None:
    assert let_in(origin, "hub.example") == (None if allowed else "origin_not_allowed")


def test_behind_a_proxy_with_tls_the_own_page_is_still_the_own_page() -> None:
    assert let_in("https://hub.example:8443", "hub.example:8443") is None
    assert let_in("https://hub.example", "hub.example:443") is None


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "127.5.5.5", "LOCALHOST", None])
def test_an_open_hub_is_this_machines(host: str | None) -> None:
    assert let_in(None, host, is_open=True) is None


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8000", "10.0.0.1", "", "localhost@evil.example", "[::"]
)
def test_a_name_that_leads_here_is_not_enough_for_an_open_hub(host: str) -> None:
    assert let_in(f"http://{host}", host, is_open=True) == "host_not_allowed"
    assert let_in(None, host, is_open=True) == "host_not_allowed"


def test_an_open_hub_behind_a_proxy_is_called_what_is_allowed() -> None:
    assert let_in("https://dashboard.example", "dashboard.example", is_open=True) is None


def test_an_open_hub_answers_nobody_on_the_network() -> None:
    assert let_in(None, "127.0.0.1", is_open=True, here="192.168.0.7") == "no_tokens"
    assert let_in(None, "127.0.0.1", is_open=True, here="127.0.0.1") is None
    assert let_in(None, "127.0.0.1", is_open=True, here="::ffff:127.0.0.1") is None
    assert let_in(None, "192.168.0.7", here="192.168.0.7") is None


@pytest.mark.parametrize("name", ["token", "access_token", "Token", "p", "password"])
def test_no_token_in_the_address(name: str) -> None:
    assert let_in(None, "h", parameters=("format", name)) == "token_in_address"
    assert let_in(None, "h", parameters=("where.token", "history")) is None


def test_machines_may_ask_whether_it_is_alive_by_any_name() -> None:
    for path in ("/healthz", "/readyz", "/ping"):
        assert refusal(Asked(path, "https://evil.example", "10.1.2.3"), (), is_open=True) is None
