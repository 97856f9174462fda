"""Traces of batches and of windows, sent to an OpenTelemetry collector. Without an endpoint nothing of it is loaded.

    batch   from the arrival of its oldest frame to its receipt;   wait   until the commit began;   commit   its write
    window  from its stop to its sending;                          query  the store's answer

What was measured anyway is told afterwards, so nothing waits for a trace.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hub.settings import SettingInvalid, Settings
from streams.ingest.outcome import Committed
from streams.queries import Query
from streams.windows import WindowUpdate

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

SEND_SECONDS = 3.0
"""How long the collector may take to answer, and at the end the last traces to be sent."""


def check_tracing(settings: Settings) -> None:
    """SettingInvalid where traces are wanted and cannot be sent."""
    endpoint = settings.otlp_endpoint
    if not endpoint:
        return
    if not endpoint.startswith(("http://", "https://")):
        raise SettingInvalid(f"otlp_endpoint: expected an address such as http://127.0.0.1:4318, not {endpoint!r}")
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None:
        raise SettingInvalid("otlp_endpoint: traces need more packages: pip install 'pxl-hub[otlp]'")


class Tracing:
    """One worker's traces."""

    def __init__(self, tracer: "Tracer") -> None:
        self._tracer = tracer

    def committed(self, commit: Committed) -> None:
        """A commit has ended."""
        end = time.time_ns()
        started = end - round(commit.seconds * 1e9)
        arrived = started - round(commit.waited * 1e9)
        attributes = {
            "hub.points": commit.points,
            "hub.frames": commit.frames,
            "hub.devices": commit.devices,
            "hub.spooled": commit.spooled,
        }
        self._tell("batch", arrived, end, attributes, [("wait", arrived, started), ("commit", started, end)])

    def sent(self, query: Query, update: WindowUpdate) -> None:
        """A window has been sent."""
        stop, sent = update.stop * 1_000_000, update.sent * 1_000_000
        attributes = {
            "hub.measurement": query.measurement,
            "hub.window.start": update.start,
            "hub.window.stop": update.stop,
            "hub.window.revision": update.revision,
            "hub.window.final": update.final,
            "hub.rows": len(update.rows),
            "hub.points": update.points,
        }
        asked = sent - round(update.queried_ms * 1e6)
        self._tell("window", min(stop, asked), sent, attributes, [("query", asked, sent)])

    def _tell(
        self, name: str, start: int, end: int, attributes: dict[str, Any], parts: list[tuple[str, int, int]]
    ) -> None:
        from opentelemetry.trace import set_span_in_context

        whole = self._tracer.start_span(name, attributes=attributes, start_time=start)
        context = set_span_in_context(whole)
        for part, begins, ends in parts:
            self._tracer.start_span(part, context, start_time=begins).end(ends)
        whole.end(end)


@asynccontextmanager
async def tracing(settings: Settings) -> AsyncIterator[Tracing | None]:
    """Traces for as long as this is entered; None where none are wanted."""
    if not settings.otlp_endpoint:
        yield None
        return
    provider = _provider(settings)
    try:
        yield Tracing(provider.get_tracer("pxl-hub"))
    finally:
        await asyncio.to_thread(provider.shutdown)


def _provider(settings: Settings) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(f"{settings.otlp_endpoint.rstrip('/')}/v1/traces", timeout=SEND_SECONDS)
    provider = TracerProvider(resource=Resource.create({"service.name": "pxl-hub"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1_000))
    return provider
