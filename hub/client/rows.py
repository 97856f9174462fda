"""Rows as a type of the caller's own. Pure."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from hub.client.messages import Column, Row

T = TypeVar("T")


def typed_rows(columns: Sequence[Column], rows: Sequence[Row], of: type[T]) -> list[T]:
    """Each row as a dataclass, a TypedDict or a msgspec.Struct; ValueError says what does not fit.

    A column belongs to the field of its name, with `_` for each `.`: `temp.p99.9` to `temp_p99_9`. Fields may be left
    out; one without a column needs a default.
    """
    names = [column.name.replace(".", "_") for column in columns]
    records = [dict(zip(names, row, strict=True)) for row in rows]
    try:
        return msgspec.convert(records, list[of], strict=True)  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        known = ", ".join(names)
        raise ValueError(f"the rows are no {of.__name__}: {error}; their columns are {known}") from None
