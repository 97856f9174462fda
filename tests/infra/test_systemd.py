"""The unit by systemd's own validator, and what only we can know of it."""

import re
import subprocess
from pathlib import Path

import pytest

from hub.server.options import LAST_COMMITS_S, STOP_TIMEOUT_S
from hub.settings import table
from tests.infra.tools import INFRA, output, tool
from tests.servers.hub import COMMAND

UNIT = (INFRA / "pxl-hub.service").read_text()


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with the command of this virtual environment: a command that is not there is an error."""
    command = "/opt/pxl-hub/.venv/bin/pxl-hub"
    assert command in UNIT
    file = tmp_path / "pxl-hub.service"
    file.write_text(UNIT.replace(command, str(COMMAND)))
    return file


def test_systemd_finds_nothing_wrong(unit: Path) -> None:
    # It exits with 0 at an unknown key, too, and says so.
    assert output(tool("systemd-analyze", "apt install systemd"), "verify", unit) == ""


def test_the_validator_would_see_a_misspelt_key(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectHome=", "ProtectHouse="))
    said = subprocess.run(
        [tool("systemd-analyze", "apt install systemd"), "verify", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ProtectHouse" in said.stderr


def test_the_service_is_exposed_little(unit: Path) -> None:
    analyze = tool("systemd-analyze", "apt install systemd")
    assert "exposure level" in output(analyze, "security", "--offline=yes", "--threshold=20", "--no-pager", unit)


def test_the_unit_waits_for_a_stop_that_takes_its_time_and_sets_what_there_is() -> None:
    [seconds] = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert int(seconds) > STOP_TIMEOUT_S + LAST_COMMITS_S
    assert set(re.findall(r"^Environment=(HUB_[A-Z_]+)=", UNIT, re.MULTILINE)) <= {row.variable for row in table()}
