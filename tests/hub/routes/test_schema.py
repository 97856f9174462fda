"""What there is to ask for, over HTTP."""

from collections.abc import Iterator

import pytest

from hub.settings import Settings
from tests.hub.running import RunningHub, running_hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    settings = Settings(store="duckdb::memory:", data_folder=str(tmp_path_factory.mktemp("hub")))
    with running_hub(settings) as hub:
        assert hub.get("/v1/schema").body == {"measurements": [], "more": False}
        lines = [f"weather,dev=d{n:03},site=s{n % 2} temp={n},ok=t" for n in range(150)]
        lines += ['power,meter=m1 kwh=1i,note="x"', "bare v=1"]
        assert hub.get("/api/v2/write", "POST", body="\n".join(lines).encode()).status == 204
        yield hub


def test_measurements_have_tags_with_values_and_fields_with_kinds(hub: RunningHub) -> None:
    body = hub.get("/v1/schema").body
    bare, power, weather = body["measurements"]
    assert bare == {"name": "bare", "tags": [], "fields": [{"name": "v", "kinds": ["float"]}]}
    assert power == {
        "name": "power",
        "tags": [{"name": "meter", "values": ["m1"], "more": False}],
        "fields": [{"name": "kwh", "kinds": ["integer"]}, {"name": "note", "kinds": ["string"]}],
    }
    dev, site = weather["tags"]
    assert (dev["values"], dev["more"]) == ([f"d{n:03}" for n in range(100)], True)
    assert (site["values"], site["more"]) == (["s0", "s1"], False)
    assert body["more"] is False


def test_one_measurement_and_more_or_fewer_values(hub: RunningHub) -> None:
    (weather,) = hub.get("/v1/schema?measurement=weather&values=1000").body["measurements"]
    assert (len(weather["tags"][0]["values"]), weather["tags"][0]["more"]) == (150, False)
    (weather,) = hub.get("/v1/schema?measurement=weather&values=0").body["measurements"]
    assert (weather["tags"][0]["values"], weather["tags"][0]["more"]) == ([], True)
    assert hub.get("/v1/schema?measurement=unknown").body == {"measurements": [], "more": False}


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("values=1001", "values: expected 0 to 1000, not 1001"),
        ("values=many", "values: expected a whole number"),
        ("tag=dev", "tag: there is no such parameter; there are measurement, values"),
    ],
)
def test_what_cannot_be_asked_is_named(hub: RunningHub, query: str, says: str) -> None:
    answer = hub.get(f"/v1/schema?{query}")
    assert (answer.status, answer.body["code"]) == (400, "invalid_request")
    assert says in answer.body["message"]
