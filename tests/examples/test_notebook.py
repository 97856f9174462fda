"""The notebook in a real kernel against a real hub: every cell runs, and shows what it says it shows."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.examples.asking import EXAMPLES
from tests.servers.hub import HubProcess

NOTEBOOK = EXAMPLES / "notebook" / "weather.ipynb"


def executed(url: str, folder: Path) -> list[dict[str, Any]]:
    """Its code cells after a run, as `jupyter execute` makes it; a failure of a cell is one of the test."""
    (copy := folder / "weather.ipynb").write_text(NOTEBOOK.read_text())
    command = [sys.executable, "-m", "jupyter", "execute", "--timeout=60", "--inplace", str(copy)]
    environment = {**os.environ, "HUB_SOCKETS": url, "JUPYTER_PLATFORM_DIRS": "1", "IPYTHONDIR": str(folder)}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    return code_cells(copy)


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_runs_and_shows_what_it_wrote(tmp_path: Path) -> None:
    with HubProcess(tmp_path) as hub:
        _, written, watched, drawn = executed(hub.sockets, tmp_path)
    assert "".join(written["outputs"][0]["text"]) == "240 points acknowledged, 0 rejected\n"
    heading, *rows = "".join(watched["outputs"][0]["text"]).splitlines()
    assert heading.split() == ["site", "temp.mean", "temp.p90", "temp.count"]
    assert sum(int(row.split()[-1]) for row in rows) == 240
    assert "".join(drawn["outputs"][0]["data"]["image/svg+xml"]).count("<polyline") == 2


def test_the_notebook_is_kept_without_outputs() -> None:
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code_cells(NOTEBOOK))
