"""An unknown name is answered with those that are known."""

import pytest
from msgspec import DecodeError, Struct, json

from hub.hints import with_names


class Inner(Struct, forbid_unknown_fields=True):
    measurement: str = ""
    group_by: str = ""


class Outer(Struct, forbid_unknown_fields=True):
    query: Inner | None = None
    stop: int = 0


@pytest.mark.parametrize(
    ("data", "ends"),
    [
        ('{"sto": 1}', "`sto`; did you mean stop?"),
        ('{"nothing like it": 1}', "`nothing like it`; there are query, stop"),
        ('{"query": {"measurment": ""}}', "at `$.query`; did you mean measurement?"),
        ('{"query": {"x`y": ""}}', "at `$.query`; there are measurement, group_by"),
        ('{"stop": "late"}', "Expected `int`, got `str` - at `$.stop`"),
    ],
)
def test_the_nearest_name_is_offered_or_all_of_them(data: str, ends: str) -> None:
    with pytest.raises(DecodeError) as error:
        json.decode(data, type=Outer)
    assert with_names(str(error.value), {"": Outer, "query": Inner}).endswith(ends)


def test_what_is_somewhere_else_stays_as_it_is() -> None:
    reason = "Object contains unknown field `x` - at `$.elsewhere`"
    assert with_names(reason, {"": Outer}) == reason
