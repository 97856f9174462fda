"""The way to an InfluxDB over HTTP, and the one place where its refusals and the network's become our errors."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import msgspec
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.rest import ApiException

from streams.errors import BatchRefused, StoreMisconfigured, StoreUnavailable, StreamsError
from streams.stores.influxdb_queries import Script

_CONNECTIONS = 64
_CONNECT_SECONDS = 5
_MSGPACK = "application/x-msgpack"


class Series(msgspec.Struct):
    """A table of an answer; times are nanoseconds."""

    values: list[list[Any]] = []
    tags: dict[str, str] = {}


class _Result(msgspec.Struct):
    series: list[Series] = []
    error: str | None = None


class _Answer(msgspec.Struct):
    results: list[_Result] = []
    error: str | None = None


class Reply(NamedTuple):
    """The tables of each statement. Without `typed` a float may have come as an integer."""

    statements: list[list[Series]]
    typed: bool

    def rows(self, statement: int) -> list[list[Any]]:
        """The rows of a statement that groups by nothing."""
        series = self.statements[statement]
        return series[0].values if series else []


_from_msgpack = msgspec.msgpack.Decoder(_Answer)
_from_json = msgspec.json.Decoder(_Answer)


class Server:
    """An InfluxDB 1.8, 2 or 3. `bucket` is a database of a 1.x, with `database/policy` for another retention policy.

    Time-outs are seconds for a whole request. Every method may raise StoreUnavailable and StoreMisconfigured.
    """

    def __init__(
        self, url: str, token: str, organization: str, bucket: str, *, write_timeout: float, read_timeout: float
    ) -> None:
        self.url = url.rstrip("/")
        self.name = f"influxdb:{re.sub('//[^/]*@', '//', self.url)}"
        self.organization = organization
        self.bucket = bucket
        self._token = token
        self._write_timeout = write_timeout
        self._read_timeout = read_timeout
        self._client: Any = None  # an InfluxDBClientAsync, whose methods have no types

    async def open(self) -> None:
        """Get ready; asks the server nothing. StoreMisconfigured."""
        if not _is_address(self.url):
            raise StoreMisconfigured(
                f"{self.name!r} names no address of an InfluxDB: write influxdb:http://HOST:8086 in HUB_STORE"
            )
        if not self.bucket:
            raise StoreMisconfigured("no bucket is named: set HUB_INFLUX_BUCKET")
        if not (self._token.isascii() and self._token.isprintable()):
            raise StoreMisconfigured("the token has characters that no token has: set HUB_INFLUX_TOKEN anew")
        if self._client is None:
            self._client = InfluxDBClientAsync(
                self.url,
                token=self._token,
                org=self.organization,
                # The whole request's limit is set at each request: writes and reads have their own.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                connection_pool_maxsize=_CONNECTIONS,
                # A POST that follows a redirect becomes a GET without a body, and its 200 would look like success.
                allow_redirects=False,
            )

    async def close(self) -> None:
        """Close every connection."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    async def write(self, body: bytes) -> None:
        """Line protocol in nanoseconds; returns when it is stored. BatchRefused. Nothing is written of no lines."""
        parameters = [("org", self.organization), ("bucket", self.bucket), ("precision", "ns")]
        async with self._errors(self._write_timeout, writing=True):
            response = await self._send("/api/v2/write", parameters, "text/plain; charset=utf-8", body=body)
        if response.status != 204:
            raise StoreMisconfigured(f"{self.name} answers a write with {response.status}: it is no InfluxDB")

    async def query(self, script: Script) -> Reply:
        """The answers to all statements of a script."""
        reply = await self._query(script, _MSGPACK)
        # MessagePack passes on text that is no UTF-8, which somebody else has written; JSON replaces what is none.
        return reply or await self._query(script, "application/json") or self._unreadable()

    async def get(self, path: str, parameters: Mapping[str, str]) -> Any:
        """The JSON of a resource; None where this version has no such, or does not show it to this token."""
        async with self._errors(self._read_timeout):
            try:
                response = await self._opened().api_client.request(
                    "GET", self.url + path, query_params=list(parameters.items()), headers=self._headers()
                )
            except ApiException as error:
                if error.status >= 500:
                    raise
                return None
        return json.loads(response.data)

    async def patch(self, path: str, changes: Mapping[str, Any]) -> None:
        """Change a resource."""
        headers = {"Content-Type": "application/json", **self._headers()}
        async with self._errors(self._write_timeout):
            await self._opened().api_client.request("PATCH", self.url + path, headers=headers, body=dict(changes))

    async def _query(self, script: Script, accept: str) -> Reply | None:
        database, _, policy = self.bucket.partition("/")
        form = {"db": database, "epoch": "ns", "q": str(script), "params": json.dumps(script.parameters)}
        if policy:
            form["rp"] = policy
        async with self._errors(self._read_timeout):
            response = await self._send("/query", [], "application/x-www-form-urlencoded", accept=accept, form=form)
        typed = response.getheader("Content-Type", "").startswith(_MSGPACK)
        try:
            answer = (_from_msgpack if typed else _from_json).decode(response.data)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        for error in (answer.error, *(result.error for result in answer.results)):
            if error is not None:
                raise self._refusal_of_query(error)
        return Reply([result.series for result in answer.results], typed)

    async def _send(
        self,
        path: str,
        parameters: list[tuple[str, str]],
        content_type: str,
        *,
        accept: str = "application/json",
        body: bytes | None = None,
        form: dict[str, str] | None = None,
    ) -> Any:
        headers = {"Content-Type": content_type, "Accept": accept, "Accept-Encoding": "identity", **self._headers()}
        return await self._opened().api_client.request(
            "POST", self.url + path, query_params=parameters, headers=headers, body=body, post_params=form
        )

    def _headers(self) -> dict[str, str]:
        return dict(self._opened().api_client.default_headers)

    def _opened(self) -> Any:
        if self._client is None:
            raise StoreUnavailable(f"{self.name} is not open")
        return self._client

    @asynccontextmanager
    async def _errors(self, seconds: float, *, writing: bool = False) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except ApiException as error:
            raise refusal(self, error.status, _reason(error), _seconds(error.retry_after), writing=writing) from error
        except TimeoutError as error:
            raise StoreUnavailable(f"{self.name} does not answer within {seconds:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise StoreUnavailable(f"{self.name} cannot be reached: {error or type(error).__name__}") from error

    def _refusal_of_query(self, reason: str) -> StreamsError:
        if "database not found" in reason:
            return refusal(self, 404, reason, None, writing=False)
        return StoreUnavailable(f"{self.name} does not answer a query: {reason}")

    def _unreadable(self) -> Reply:
        raise StoreMisconfigured(f"{self.name} answers a query with something else: it is no InfluxDB")


def refusal(server: Server, status: int, reason: str, retry_after: float | None, *, writing: bool) -> StreamsError:
    """The error that an answer of this HTTP status means. Pure."""
    remedy = _operators_remedy(server, status, reason)
    if remedy is not None:
        return StoreMisconfigured(f"{server.name} answers {status}, {reason}: {remedy}")
    if writing and status in {400, 413, 422}:
        dropped = re.search(r"dropped=([1-9]\d*)", reason)
        return BatchRefused(reason, int(dropped[1]) if dropped else None)
    return StoreUnavailable(f"{server.name} answers {status}, {reason}", retry_after)


def _operators_remedy(server: Server, status: int, reason: str) -> str | None:
    """What an operator has to do about it; None where waiting or another batch may help."""
    if status == 401:
        return "the token is not valid there; set HUB_INFLUX_TOKEN"
    if status == 403:
        return f"set HUB_INFLUX_TOKEN to a token that may read and write bucket {server.bucket!r}"
    if (status == 404 and "organization" in reason) or (not server.organization and "org" in reason):
        return f"there is no organisation {server.organization!r} for this token; set HUB_INFLUX_ORG"
    if (status == 404 and ("bucket" in reason or "database" in reason)) or "retention policy not found" in reason:
        return f"there is no bucket {server.bucket!r} for this token; create it, or set HUB_INFLUX_BUCKET"
    if status < 500 and status not in {400, 408, 413, 422, 425, 429}:
        return "this is no InfluxDB; check the address in HUB_STORE"
    return None


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or half an IPv6 address
        return False


def _reason(error: ApiException) -> str:
    """What the body says is wrong: InfluxDB 2 calls it `message`, 1.x `error`."""
    try:
        body = json.loads(error.body)
        text = body.get("message") or body.get("error") or ""
    except (ValueError, AttributeError, TypeError):
        text = ""
    return str(text or error.reason or "no reason given")[:500]


def _seconds(retry_after: str | None) -> float | None:
    """A Retry-After, which is a number of seconds or a date."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
