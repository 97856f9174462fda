"""What waits for one socket: messages stay, windows give way to newer ones. Pure: neither time nor sockets."""

from collections.abc import Callable, Iterable

import msgspec

from hub.encodings import Encoding
from hub.messages import Error, Progress, Skipped, Window

Publication = Window | Progress | Error
"""What goes to every socket of a plan. Of each kind the newest is enough for a reader who is too slow."""

TEXT, BINARY = 0x81, 0x82


def websocket_frame(payload: bytes, encoding: Encoding) -> bytes:
    """The payload as one whole, unmasked WebSocket frame."""
    opcode = TEXT if encoding is Encoding.JSON else BINARY
    length = len(payload)
    if length < 126:
        return bytes((opcode, length)) + payload
    if length < 65_536:
        return bytes((opcode, 126)) + length.to_bytes(2, "big") + payload
    return bytes((opcode, 127)) + length.to_bytes(8, "big") + payload


class Form:
    """How a socket wants its bytes: in which encoding, and whether as whole WebSocket frames or as payloads."""

    __slots__ = ("encoding", "framed")

    def __init__(self, encoding: Encoding, *, framed: bool) -> None:
        self.encoding = encoding
        self.framed = framed

    def encode(self, message: msgspec.Struct) -> bytes:
        """The message in this form."""
        payload = self.encoding.encode(message)
        return websocket_frame(payload, self.encoding) if self.framed else payload

    def publication(self, prepared: "Prepared") -> bytes:
        """What goes to every socket of a plan, in this form."""
        return self.encode(prepared.message)


FORMS = {(encoding, framed): Form(encoding, framed=framed) for encoding in Encoding for framed in (False, True)}


class Prepared(dict[Form, bytes]):
    """A plan's message for many sockets. `prepared[form]` encodes it at the first look, and is the same object for all.

    Windows that stopped by `final_until`, milliseconds, are final as sent before or with this message.
    """

    __slots__ = ("final_until", "message", "plan")

    def __init__(self, plan: str, message: Publication, final_until: int | None = None) -> None:
        super().__init__()
        self.plan = plan
        self.message = message
        self.final_until = final_until

    def __missing__(self, form: Form) -> bytes:
        data = self[form] = form.publication(self)
        return data


_Entry = bytes | Prepared
"""The bytes of a message, which is never dropped, or what all sockets of a plan get: no object for each socket."""


class Backlog:
    """Entries in the order in which they leave.

    Beyond `budget_bytes` each plan keeps only its newest window, its newest progress and its newest trouble, and
    what was left out is told by a `skipped` message just before the plan's next window. The newest of a plan and
    what cannot be dropped always have room. `on_skipped` hears how many windows each such message tells of.
    """

    __slots__ = ("_budget", "_entries", "_form", "_on_skipped", "_skipped", "bytes_waiting")

    def __init__(self, form: Form, budget_bytes: int, on_skipped: Callable[[int], None] = lambda _: None) -> None:
        self._form = form
        self._budget = budget_bytes
        self._on_skipped = on_skipped
        self._entries: list[_Entry] = []
        self._skipped: dict[str, set[int]] = {}
        self.bytes_waiting = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, data: bytes) -> bool:
        """Queue what must arrive. False when such messages were over the budget before: only closing helps then."""
        if self.bytes_waiting > self._budget and self._bytes_of_messages() > self._budget:
            return False
        self._entries.append(data)
        self.bytes_waiting += len(data)
        if self.bytes_waiting > self._budget:
            self._conflate()
        return True

    def publish(self, prepared: Prepared) -> None:
        """Queue what a newer publication of its plan may replace."""
        self._entries.append(prepared)
        self.bytes_waiting += len(prepared[self._form])
        if self.bytes_waiting > self._budget:
            self._conflate()

    def take(self, most: int) -> list[bytes]:
        """Remove and return the next entries: all, or, if they are more than `most` bytes, at least one of them."""
        entries = self._entries
        if self.bytes_waiting <= most or len(entries) == 1:
            self._entries = []
            self.bytes_waiting = 0
        else:
            count = size = 0
            while count == 0 or size + len(self._bytes_of(entries[count])) <= most:
                size += len(self._bytes_of(entries[count]))
                count += 1
            self._entries = entries[count:]
            del entries[count:]
            self.bytes_waiting -= size
        if self._skipped:
            return list(self._with_skipped(entries))
        return [self._bytes_of(entry) for entry in entries]

    def drop_publications(self) -> None:
        """Forget every window: the socket is about to be closed."""
        self._replace([entry for entry in self._entries if isinstance(entry, bytes)])
        self._skipped.clear()

    def _bytes_of(self, entry: _Entry) -> bytes:
        return entry if isinstance(entry, bytes) else entry[self._form]

    def _with_skipped(self, entries: Iterable[_Entry]) -> Iterable[bytes]:
        for entry in entries:
            if isinstance(entry, Prepared) and isinstance(entry.message, Window):
                plan, stops = entry.plan, self._skipped.pop(entry.plan, None)
                if stops:
                    self._on_skipped(len(stops))
                    yield self._form.encode(Skipped(plan=plan, windows=len(stops), from_=min(stops), to=max(stops)))
            yield self._bytes_of(entry)

    def _conflate(self) -> None:
        newest: dict[tuple[str, type[Publication]], Prepared] = {}
        publications = [entry for entry in self._entries if isinstance(entry, Prepared)]
        for entry in publications:
            key = (entry.plan, type(entry.message))
            if key not in newest or _not_older(entry.message, newest[key].message):
                newest[key] = entry
        for entry in publications:
            if isinstance(entry.message, Window):
                kept = newest[entry.plan, Window].message
                if isinstance(kept, Window) and kept.stop != entry.message.stop:
                    self._skipped.setdefault(entry.plan, set()).add(entry.message.stop)
        kept_ids = set(map(id, newest.values()))
        self._replace([entry for entry in self._entries if isinstance(entry, bytes) or id(entry) in kept_ids])

    def _bytes_of_messages(self) -> int:
        return sum(len(entry) for entry in self._entries if isinstance(entry, bytes))

    def _replace(self, entries: list[_Entry]) -> None:
        self._entries = entries
        self.bytes_waiting = sum(len(self._bytes_of(entry)) for entry in entries)


def _not_older(message: Publication, other: Publication) -> bool:
    """A correction of an older window does not replace a newer window; otherwise the later publication counts."""
    if isinstance(message, Window) and isinstance(other, Window):
        return (message.stop, message.revision) >= (other.stop, other.revision)
    return True
