"""Which requests are let in before anything is asked of them: by Origin, by Host, by what their address tells. Pure.

A browser sends a site's requests wherever the site says, with the hub's answers or without. So a page of another site
is let in only where the settings name it. An open hub also looks at the Host: a site may have its own name lead to
127.0.0.1, and then it is the hub's own origin to a browser. A token would keep it out; an open hub has none.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from hub.settings import is_loopback

SECRETS = ("token", "access_token", "p", "password")
"""Parameters that clients put secrets into. An address is logged everywhere."""
ALWAYS_OPEN = ("/healthz", "/readyz", "/ping")
"""What machines ask that know the hub by an address of their own; nothing is told there."""

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class Asked(NamedTuple):
    """What is looked at: `here` is the hub's address that it came to, where it is one."""

    path: str
    origin: str | None
    host: str | None
    parameters: Sequence[str] = ()
    here: str | None = None


class Refusal(NamedTuple):
    """Why a request is not let in: a status, and a code of the catalogue."""

    status: int
    code: str
    message: str


def refusal(asked: Asked, allowed: Collection[str], *, is_open: bool) -> Refusal | None:
    """Why it is not let in, None where it is. `is_open`: no token is configured."""
    if asked.path in ALWAYS_OPEN:
        return None
    if is_open and asked.here is not None and not is_loopback(asked.here):
        return Refusal(
            403,
            "no_tokens",
            "this hub has no tokens, and answers its own machine alone; make one with: "
            "pxl-hub token add NAME --tokens tokens.toml --write '*' --read '*'",
        )
    if is_open and asked.host is not None and not _is_ours(asked.host, allowed):
        return Refusal(403, "host_not_allowed", f"this hub is not called {asked.host[:80]!r}: see allowed_origins")
    if asked.origin is not None and not _is_allowed(asked.origin, asked.host, allowed):
        return Refusal(403, "origin_not_allowed", f"pages of {asked.origin[:80]!r} may not use this hub")
    if not is_open:
        for name in asked.parameters:
            if name.lower() in SECRETS:
                return Refusal(
                    400,
                    "token_in_address",
                    f"{name}: a token in an address gets into logs: send `Authorization: Bearer TOKEN`",
                )
    return None


def _is_allowed(origin: str, host: str | None, allowed: Collection[str]) -> bool:
    given = origin.lower()
    if given in allowed:
        return True
    scheme, place = _place(given)
    # A proxy in front may speak TLS for us, so the scheme is the origin's own.
    return place is not None and host is not None and place == _place(f"{scheme}://{host.lower()}")[1]


def _is_ours(host: str, allowed: Collection[str]) -> bool:
    _, place = _place(f"http://{host.lower()}")
    if place is None:
        return False
    names = {found[0] for origin in allowed if (found := _place(origin)[1])}
    return is_loopback(place[0]) or place[0] in names


def _place(url: str) -> tuple[str, tuple[str, int] | None]:
    """The scheme, and host and port; None where there are none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", None
    default = _PORTS.get(parts.scheme)
    if default is None or not parts.hostname or parts.path or parts.query or parts.fragment or parts.username:
        return parts.scheme, None
    return parts.scheme, (parts.hostname, default if port is None else port)
