"""`pxl-hub`: a file for each command. Exit codes: 0 done, 1 failed, 2 used or configured wrongly."""

from importlib import import_module
from typing import Any

import typer
import typer.core

from hub.preflight import one_sentence

COMMANDS = (
    "serve", "demo", "ready", "doctor", "agent", "watch", "query", "replay", "listen", "streams", "settings", "token",
    "dead-letters", "load",
)  # fmt: skip
"""In the order of the help; each is `hub.commands.NAME`, where NAME is a function or a group of commands."""


class Commands(typer.core.TyperGroup):
    """The commands, each imported when it is asked for: one has no use for the libraries of the others."""

    def list_commands(self, _: Any) -> list[str]:
        """All names, in order."""
        return list(COMMANDS)

    def get_command(self, _: Any, cmd_name: str) -> Any:
        """The command of this name, or None."""
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _command(cmd_name)
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As typer's, which looks for a name that is like a wrong one among those that are there."""
        if args and args[0] not in COMMANDS:
            for name in COMMANDS:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


def _command(name: str) -> Any:
    variable = name.replace("-", "_")
    command = getattr(import_module(f"hub.commands.{variable}"), variable)
    # Made by an app of its own, which has the ways of the whole one.
    group = typer.Typer(rich_markup_mode="markdown", pretty_exceptions_enable=False, add_completion=False)
    if isinstance(command, typer.Typer):
        group.add_typer(command, name=name)
    else:
        group.command(name)(command)
        group.callback()(lambda: None)
    return typer.main.get_group(group).commands[name]


app = typer.Typer(
    name="pxl-hub",
    cls=Commands,
    help="A streaming WebSocket analytics hub over InfluxDB: points in, explained windows out.",
    callback=lambda: None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    epilog=(
        "Exit codes: 0 done, 1 failed, 2 used or configured wrongly; each command says more. "
        "`pxl-hub --install-completion` has your shell complete commands and options."
    ),
)


def main() -> None:
    """The entry point. A mistake of the user's ends in one sentence and exit code 2."""
    with one_sentence():
        app()
