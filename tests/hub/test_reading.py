"""What is read for whom: the token's tags are in every query, and nobody hears of streams that they may not see."""

import pytest

from hub.auth import EVERYTHING, Grants
from hub.messages import QueryRequest
from hub.reading import RequestRefused, effective, readable
from streams.queries import parse_query
from streams.rollups import Rollup

QUERY = {"measurement": "weather", "select": {"temp": ["mean"]}, "every": "1m"}
STREAMS = {
    "weather": parse_query(**QUERY),
    "of_b": parse_query(**QUERY, where={"tenant": ["b", "c"]}),
    "power": parse_query(measurement="meter", select={"w": "sum"}, every="1m"),
}
TENANT = Grants(read=("weather*", "power"), tags=(("tenant", "a"),))
ASKED = QueryRequest(measurement="weather", select={"temp": "mean"}, every="1m")


def refused(*asked: object, grants: Grants) -> tuple[str, str]:
    stream, query, where = (*asked, None, None)[:3]
    with pytest.raises(RequestRefused) as caught:
        effective(STREAMS, stream, query, where, grants)  # type: ignore[arg-type]
    return caught.value.code, str(caught.value)


def test_a_stream_may_be_read_by_its_name_or_by_its_measurement() -> None:
    assert effective(STREAMS, "power", None, None, Grants(read=("power",))) == STREAMS["power"]
    assert effective(STREAMS, "power", None, None, Grants(read=("meter",))) == STREAMS["power"]
    assert refused("power", grants=Grants(read=("weather",)))[0] == "forbidden"


def test_a_query_may_be_asked_of_measurements_alone() -> None:
    assert refused(None, QueryRequest(measurement="meter", select={"w": "sum"}, every="1m"), grants=TENANT) == (
        "forbidden",
        "the token may not read measurement 'meter'",
    )


def test_the_tokens_tags_are_forced_into_every_query() -> None:
    for query in (
        effective(STREAMS, "weather", None, None, TENANT),
        effective(STREAMS, None, ASKED, None, TENANT),
        effective(STREAMS, "weather", None, {"tenant": ["b", "a"]}, TENANT),
        effective(STREAMS, "weather", None, {"tenant": "a"}, TENANT),
    ):
        assert dict(query.where) == {"tenant": ("a",)}
    narrower = effective(STREAMS, "weather", None, {"dev": [None, "x"]}, TENANT)
    assert dict(narrower.where) == {"tenant": ("a",), "dev": (None, "x")}


@pytest.mark.parametrize("where", [{"tenant": "b"}, {"tenant": None}, {"tenant": ["b", None]}, {"tenant": ""}])
def test_nobody_asks_for_another_tenant(where: dict[str, object]) -> None:
    code, message = refused("weather", None, where, grants=TENANT)
    assert code == "forbidden"
    assert message == "the token reads only what has tenant=a; leave where.tenant out"


def test_equal_effective_queries_share_a_plan_and_others_do_not() -> None:
    tenant = effective(STREAMS, "weather", None, None, TENANT)
    admin = effective(STREAMS, "weather", None, {"tenant": "a"}, EVERYTHING)
    assert tenant.key == admin.key
    assert tenant.key != effective(STREAMS, "weather", None, None, EVERYTHING).key
    other = Grants(read=("*",), tags=(("tenant", "b"),))
    assert tenant.key != effective(STREAMS, "weather", None, None, other).key


def test_streams_that_may_not_be_read_are_not_told_of() -> None:
    assert set(readable(STREAMS, EVERYTHING)) == set(STREAMS)
    shown = readable(STREAMS, TENANT)
    assert set(shown) == {"weather", "power"}
    assert all(dict(query.where) == {"tenant": ("a",)} for query in shown.values())
    grants = Grants(read=("weather",))
    for name in ("power", "nothing"):
        code, message = refused(name, grants=grants)
        assert (code, message) == ("forbidden", f"the token may not read {name!r}; there are of_b, weather")
    assert refused("weather2", grants=Grants(read=("weather*",)))[0] == "unknown_stream"


@pytest.mark.parametrize(("group_by", "reads_back"), [([], False), (["tenant"], True), (["dev"], False)])
def test_a_rollup_is_read_only_where_it_keeps_tenants_apart(group_by: list[str], reads_back: bool) -> None:
    stream = parse_query(**QUERY, group_by=group_by)
    rollup = Rollup("weather", stream, "weather_1m", after_ms=1)
    back = rollup.read_back(effective({"weather": stream}, "weather", None, None, TENANT))
    assert (back is not None) is reads_back
    assert back is None or dict(back.where)["tenant"] == ("a",)
