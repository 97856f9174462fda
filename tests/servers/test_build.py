"""The builder's refusals; a build itself takes minutes and is not tried here."""

import shutil
from pathlib import Path

import pytest

from tests.servers import build


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_a_server_that_is_not_built_names_the_command() -> None:
    with pytest.raises(build.Unbuildable, match=r"run: python -m tests\.servers\.build influxd-2\.9\.1"):
        build.find("influxd-2.9.1")


def test_a_missing_tool_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(build.Unbuildable, match="go and cargo and gcc and git and pkg-config must be installed first"):
        build.build("influxd-2.9.1")


@pytest.mark.skipif(shutil.which("go") is None, reason="go is not installed")
def test_a_missing_network_is_told_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPROXY", "off")
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    with pytest.raises(build.Unbuildable, match=r"go install .*influxd@v1\.8\.10 failed"):
        build.build("influxd-1.8.10")
    assert [path.name for path in (tmp_path / "pxl-hub" / "servers").iterdir()] == ["influxd-1.8.10.lock"]


def test_names_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["mysql"]) == 2
    assert "mysql is no server; there are influxd-2.9.1 influxd-1.8.10 telegraf-1.39.0" in capsys.readouterr().err
