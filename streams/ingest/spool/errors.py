"""Why the spool did not take something. Either way nothing of it is kept: answer `retry`."""

from streams.errors import Remedy, StreamsError


class SpoolFull(StreamsError):
    """The bound is reached; it shrinks as the store takes what is in it."""

    code = "spool_full"
    remedy = Remedy.WAIT


class SpoolFailed(StreamsError):
    """The disk did not take it, or nobody can know whether it did."""

    code = "spool_failed"
    remedy = Remedy.WAIT
