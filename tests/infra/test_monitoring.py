"""Every metric in the dashboard and the alert rules exists, and every expression can be read."""

import json
import re
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from hub.parts import Hub
from hub.settings import Settings
from tests.infra.tools import INFRA

DASHBOARD = json.loads((INFRA / "grafana" / "dashboards" / "pxl-hub.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
RULES = yaml.safe_load((INFRA / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]] + [rule["expr"] for rule in RULES]
OWN_OF_PROMETHEUS = {"up"}


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Every name that a query may use of a hub with an InfluxDB, with its type's labels."""
    folder = str(tmp_path_factory.mktemp("hub"))
    hub = Hub(Settings(store="influxdb:http://127.0.0.1:1", influx_bucket="b", data_folder=folder))
    names: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(hub.metrics.exposition().decode()):
        endings = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
        names |= {family.name + ending: set() for ending in endings}
    hub.host.close()
    hub.dead_letters.close()
    if hub.spool:
        hub.spool.close()
    return names


def selectors(expression: str) -> list[Any]:
    """The names of the metrics in an expression; ValueError where it cannot be read."""
    promql_parser.parse(expression.replace("$__rate_interval", "1m"))
    return re.findall(r"\b(hub_\w+|up)\b", expression)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_can_be_read_and_asks_for_what_there_is(expression: str, metrics: dict[str, set[str]]) -> None:
    asked = set(selectors(expression))
    assert asked
    assert asked - OWN_OF_PROMETHEUS <= metrics.keys()


def test_the_reader_of_expressions_sees_a_mistake() -> None:
    with pytest.raises(ValueError, match="unclosed"):
        selectors("sum(rate(hub_frames_total[5m])")


def test_every_metric_that_the_issue_names_is_shown() -> None:
    shown = " ".join(EXPRESSIONS)
    for name in ("connections", "committed_points", "acks", "rejected_points", "spool_bytes", "tail_slices", "windows"):
        assert f"hub_{name}" in shown
    for name in ("skipped_windows", "window_delay_seconds", "commit_seconds", "loop_stall_seconds"):
        assert f"hub_{name}" in shown


def test_every_alert_says_what_to_do() -> None:
    for rule in RULES:
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert {"summary", "action"} <= rule["annotations"].keys()


def test_panels_have_their_own_place_and_number() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert all(panel["description"] for panel in PANELS)


def test_grafana_finds_its_prometheus_and_its_dashboards() -> None:
    provisioning = INFRA / "grafana" / "provisioning"
    [source] = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert {panel["datasource"]["uid"] for panel in PANELS} == {source["uid"]}
    compose = yaml.safe_load((INFRA / "compose.yaml").read_text())["services"]
    [provider] = yaml.safe_load((provisioning / "dashboards" / "pxl-hub.yaml").read_text())["providers"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in compose["grafana"]["volumes"]
    assert source["url"] == "http://prometheus:9090"
