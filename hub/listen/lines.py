"""Lines out of the pieces in which TCP brings them, and the time of those that have none. Pure."""

MOST_LINE_BYTES = 16 * 1024
"""A longer line is no metric: it is dropped, and counted."""

_NOW = (b"-1", b"N", b"n")
"""What carbon takes for a time that is now."""


class LineBuffer:
    """What one sender has sent."""

    def __init__(self) -> None:
        self.dropped = 0
        """Lines that were too long, or were cut off by the end of the connection."""
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now, without their breaks, in order; empty ones are left out."""
        first, *others = data.split(b"\n")
        # The common case costs one concatenation for each read, not for each line.
        pieces = [self._rest + first, *others]
        self._rest = pieces.pop()
        if self._skipping and pieces:
            self._skipping = False
            pieces[0] = b""
        if len(self._rest) > MOST_LINE_BYTES or self._skipping:
            self.dropped += not self._skipping
            self._skipping, self._rest = True, b""
        lines = [line.rstrip(b"\r") for line in pieces]
        self.dropped += sum(len(line) > MOST_LINE_BYTES for line in lines)
        return [line for line in lines if line and len(line) <= MOST_LINE_BYTES]

    def end(self) -> None:
        """The connection has ended: half a line would be taken for another value, so it is dropped."""
        self.dropped += bool(self._rest)
        self._rest = b""


def timed(line: bytes, now: int) -> bytes:
    """A `path value [time]` line with a time, `now` (seconds) where it has none: sent twice it is the same point."""
    words = line.split()
    if len(words) == 2 or (len(words) == 3 and words[2] in _NOW):
        return b"%b %b %d" % (words[0], words[1], now)
    return line
