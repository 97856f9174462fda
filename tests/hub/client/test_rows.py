"""Rows as types of the caller's own."""

from dataclasses import dataclass
from typing import TypedDict

import msgspec
import pytest

from hub.client.messages import Column, Row
from hub.client.rows import typed_rows

COLUMNS = (Column("site", "tag"), Column("temp.mean", "float"), Column("temp.p99.9", "float"))
ROWS: tuple[Row, ...] = (("roof", 21.5, None), (None, 20, 22.5))


@dataclass
class Reading:
    site: str | None
    temp_mean: float
    temp_p99_9: float | None


@dataclass
class Pair:
    site: str | None
    temp_mean: float


class Named(TypedDict):
    temp_mean: float


class Checked(msgspec.Struct):
    temp_mean: float
    hum_last: int | None = None


def test_a_column_belongs_to_the_field_of_its_name() -> None:
    assert typed_rows(COLUMNS, ROWS, Reading) == [Reading("roof", 21.5, None), Reading(None, 20.0, 22.5)]


def test_fields_may_be_left_out_and_have_defaults() -> None:
    assert typed_rows(COLUMNS, ROWS, Pair) == [Pair("roof", 21.5), Pair(None, 20.0)]
    assert typed_rows(COLUMNS, ROWS, Named)[0]["temp_mean"] == 21.5
    assert typed_rows(COLUMNS, ROWS, Checked)[0] == Checked(21.5, None)


def test_what_does_not_fit_is_named() -> None:
    @dataclass
    class Wrong:
        temp_mean: str

    with pytest.raises(ValueError, match=r"no Wrong: Expected `str`, got `float`.*their columns are site, temp_mean"):
        typed_rows(COLUMNS, ROWS, Wrong)

    @dataclass
    class Missing:
        hum_last: int

    with pytest.raises(ValueError, match="missing required field `hum_last`"):
        typed_rows(COLUMNS, ROWS, Missing)
