"""Every error of the domain, classed by its remedy: what the caller does next, not where it came from."""

from enum import StrEnum


class Remedy(StrEnum):
    """What helps against an error."""

    WAIT = "wait"  # nothing is wrong with the request: the same again, later
    SPLIT = "split"  # a part of the batch is wrong: halve it until the guilty lines are known
    DROP = "drop"  # this request or point will never succeed
    KEEP = "keep"  # an operator has to act; keep what is to be written until then


class StreamsError(Exception):
    """The root. `code` is the catalogue's name for it, the text says what is wrong and what to do."""

    code = "internal"
    remedy = Remedy.DROP


class StoreUnavailable(StreamsError):
    """The store does not answer, or answers that it is overloaded.

    `retry_after` is its own wish in seconds, where it named one.
    """

    code = "store_unavailable"
    remedy = Remedy.WAIT

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StoreMisconfigured(StreamsError):
    """The store refuses who we are or where we write: token, organisation, bucket, path."""

    code = "store_misconfigured"
    remedy = Remedy.KEEP


class BatchRefused(StreamsError):
    """The store refused at least one point of a batch; the text is its reason.

    Whether the other points were stored is unknown: write them again, they are idempotent. `refused` is how many
    points the store says it refused, where it says so.
    """

    code = "refused_by_store"
    remedy = Remedy.SPLIT

    def __init__(self, message: str, refused: int | None = None) -> None:
        super().__init__(message)
        self.refused = refused


class QueryInvalid(StreamsError):
    """A request for windows that cannot be answered as it stands."""

    code = "invalid_query"


class TooManyWindows(QueryInvalid):
    """A request for more windows of the past than one may ask for."""

    code = "too_many_windows"


class RangeTooLong(QueryInvalid):
    """A request for more of the past than one may ask for."""

    code = "range_too_long"


class TooManyGroups(QueryInvalid):
    """A query whose windows have more rows than they may have."""

    code = "too_many_groups"


class DefinitionInvalid(StreamsError):
    """A definition file that cannot be read: the text has the file, the line and the reason."""

    code = "invalid_definition"


class FrameUnreadable(StreamsError):
    """A frame that cannot be split into points, from `line` on, so that no point of it can be named."""

    code = "unreadable_frame"

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


class PointRefused(StreamsError):
    """A point that can never be stored; `code` is one of `streams.formats.codes.Code`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class TemplateInvalid(StreamsError):
    """A Graphite template that says nothing or contradicts itself."""

    code = "invalid_template"
