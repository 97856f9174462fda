"""What a client of the hub can meet. Whatever passes by itself is no error: it is waited for and reported."""

from collections.abc import Sequence


class HubError(Exception):
    """The root of the client's errors."""


class HubRefused(HubError):
    """The hub refuses this client or its request for good; the text says why. Coming back unchanged is no use."""

    def __init__(self, message: str, code: str | int | None = None) -> None:
        super().__init__(message)
        self.code = code
        """The catalogue's name of an error, the number of a close or of an HTTP status."""


class ProtocolViolated(HubError):
    """What came from the hub is no message of this protocol; the connection is given up and made anew."""


class NotAcknowledged(HubError):
    """Not everything that was written is durable. Write `lines` again, in this order, to lose nothing."""

    def __init__(self, lines: Sequence[bytes], reason: str) -> None:
        super().__init__(f"{len(lines)} written lines are not acknowledged: {reason}")
        self.lines = lines
