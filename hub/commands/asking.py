"""What commands ask a running hub over HTTP."""

import http.client
import urllib.error
import urllib.parse
import urllib.request

import msgspec

from hub.client import HubError, HubRefused
from hub.client.messages import Column, PastWindow

PATIENCE_SECONDS = 60.0


class Windows(msgspec.Struct, frozen=True):
    """As much of an answer with windows as is shown."""

    columns: tuple[Column, ...]
    windows: tuple[PastWindow, ...]


class Field(msgspec.Struct, frozen=True):
    """One that somebody has written."""

    name: str


class Measurement(msgspec.Struct, frozen=True):
    """One that somebody has written, with its fields."""

    name: str
    fields: tuple[Field, ...]


class Schema(msgspec.Struct, frozen=True):
    """As much of an answer of `/v1/schema` as is shown."""

    measurements: tuple[Measurement, ...]


class _Problem(msgspec.Struct):
    message: str
    code: str = ""
    remedy: str = ""


def ask(
    url: str,
    path: str,
    *,
    token: str | None = None,
    body: bytes | None = None,
    accept: str = "application/json",
    patience: float = PATIENCE_SECONDS,
) -> bytes:
    """What the hub at this address (http, https, ws or wss) answers to a GET, or to a POST where there is a body.

    HubRefused where it says no for good, HubError where another try may help; ValueError for what is no address.
    """
    headers = {"Accept": accept, **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(_address(url, path), body, headers)  # noqa: S310 - http or https, see _address
    try:
        with urllib.request.urlopen(request, timeout=patience) as response:  # noqa: S310
            return bytes(response.read())
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error.code, error.read(), error.headers.get("retry-after")) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        why = getattr(reason, "strerror", None) or reason
        raise HubError(f"the hub at {url} does not answer: {why}; is it running there? --url names another") from None


def _refusal(status: int, body: bytes, wait: str | None) -> HubError:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem(f"it answers HTTP {status}")
    text = f"the hub says: {problem.message}"
    if status >= 500:
        return HubError(text + (f"; try again in {wait} s" if wait else ""))
    return HubRefused(f"{text}\n{problem.remedy}".rstrip(), problem.code or status)


def _address(url: str, path: str) -> str:
    parts = urllib.parse.urlsplit(url)
    scheme = {"ws": "http", "http": "http", "wss": "https", "https": "https"}.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise ValueError(f"{url!r} is no address of a hub; write for instance http://127.0.0.1:8000")
    return urllib.parse.urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + path, "", ""))
