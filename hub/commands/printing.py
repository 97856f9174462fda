"""Tables on stdout: folded to a terminal's width and in colours there, whole and plain in a pipe."""

from rich.console import Console, RenderableType

PIPE_WIDTH = 10_000
"""Columns of what is no terminal: nothing is to be folded there."""


def print_table(table: RenderableType) -> None:
    """Print it. Without colours where NO_COLOR is set."""
    console = Console()
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    console.print(table)
