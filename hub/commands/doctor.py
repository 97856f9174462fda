"""`pxl-hub doctor`: whether everything is there that a hub with these settings needs."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from hub.commands.printing import print_table
from hub.doctor import Finding, State, examine
from hub.settings import SettingInvalid, load_settings

SIGNS = {State.OK: "✓", State.WARNING: "!", State.FAILURE: "✗"}
STYLES = {State.OK: "green", State.WARNING: "yellow", State.FAILURE: "red"}


def doctor(
    config: Annotated[str | None, typer.Option(help="TOML file as for `serve`; default: HUB_CONFIG.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Look at settings, store, clock, open files, the spool's disk, tokens and origins, and say what to do.

    Run it where the hub runs, as its user and with its environment. Nothing is changed.

        pxl-hub doctor

        pxl-hub doctor --config hub.toml --json

    Exit codes: 0 a hub can do its work, 1 something keeps it from that, 2 a setting that cannot be used.
    """
    try:
        settings = load_settings({"config": config})
    except SettingInvalid as error:
        findings = [Finding("settings", State.FAILURE, str(error), "Correct it; pxl-hub settings lists them all.")]
        code = 2
    else:
        findings = list(examine(settings))
        code = int(any(finding.state is State.FAILURE for finding in findings))
    if as_json:
        print(json.dumps({"ok": code == 0, "findings": [asdict(finding) for finding in findings]}, ensure_ascii=False))
    else:
        _show(findings)
    raise typer.Exit(code)


def _show(findings: list[Finding]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        sign = Text(SIGNS[finding.state], STYLES[finding.state])
        table.add_row(sign, Text(finding.check), Text(finding.message))
        if finding.remedy:
            table.add_row("", "", Text(f"→ {finding.remedy}"))
    print_table(table)
