"""Templates: what Telegraf's documentation promises of them."""

import pytest

from streams.errors import TemplateInvalid
from streams.formats.graphite_templates import Templates


@pytest.mark.parametrize(
    ("templates", "separator", "path", "measurement", "tags", "field"),
    [
        ([], ".", "us.west.cpu.load", "us.west.cpu.load", {}, "value"),
        (["region.region.measurement*"], ".", "us.west.cpu.load", "cpu.load", {"region": "us.west"}, "value"),
        (["region.region.measurement*"], "_", "us.west.cpu.load", "cpu_load", {"region": "us_west"}, "value"),
        (["..measurement"], ".", "a.b.cpu", "cpu", {}, "value"),
        (["..measurement"], ".", "a.b", "a.b", {}, "value"),
        (
            ["measurement.measurement.field.field.region"],
            "_",
            "cpu.usage.idle.percent.eu-east",
            "cpu_usage",
            {"region": "eu-east"},
            "idle_percent",
        ),
        (
            ["measurement.measurement.region.field*"],
            "_",
            "cpu.usage.eu-east.idle.percentage",
            "cpu_usage",
            {"region": "eu-east"},
            "idle_percentage",
        ),
        (["measurement.host dc=ams,rack=7"], ".", "cpu.a", "cpu", {"host": "a", "dc": "ams", "rack": "7"}, "value"),
        (["/ a/* measurement/host"], ".", "a/b.c", "a", {"host": "b.c"}, "value"),
    ],
)
def test_a_path_becomes_names(
    templates: list[str], separator: str, path: str, measurement: str, tags: dict[str, str], field: str
) -> None:
    assert Templates(templates, separator).apply(path) == (measurement, tags, field)


@pytest.mark.parametrize(
    ("path", "tag"),
    [
        ("cpu.load.eu", "exact"),
        ("cpu.idle.eu", "any"),
        ("mem.load.eu", "second"),
        ("cpu.load", "exact"),
        ("cpu", "none"),
        ("net.idle.eu", "none"),
    ],
)
def test_the_most_exact_filter_decides(path: str, tag: str) -> None:
    templates = Templates(
        [
            "cpu.load measurement t=exact",
            "cpu.* measurement t=any",
            "*.load measurement t=second",
            "measurement t=none",
        ]
    )
    assert templates.apply(path)[1] == {"t": tag}


def test_tags_of_the_path_go_before_default_tags() -> None:
    templates = Templates(["measurement.host"], tags={"host": "?", "dc": "ams"})
    assert templates.apply("cpu.a")[1] == {"host": "a", "dc": "ams"}
    assert templates.apply("cpu")[1] == {"host": "?", "dc": "ams"}


def test_the_tags_that_graphite_itself_knows() -> None:
    assert Templates([]).apply("cpu.load;host=a;dc=b;bad;=x;y=") == ("cpu.load", {"host": "a", "dc": "b"}, "value")


@pytest.mark.parametrize(
    "text",
    ["", "host.region", "measurement*.field*", "a b c d", "measurement t=1,u", "measurement t=", "a b c d t=1", "t=1"],
)
def test_a_template_that_cannot_be_meant_is_named(text: str) -> None:
    with pytest.raises(TemplateInvalid, match=r"^'"):
        Templates([text])
