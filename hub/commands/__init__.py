"""`pxl-hub`: a file for each command. Exit codes: 0 done, 1 failed, 2 used or configured wrongly."""

import typer

from hub.commands.agent import agent
from hub.commands.dead_letters import dead_letters
from hub.commands.demo import demo
from hub.commands.doctor import doctor
from hub.commands.listen import listen
from hub.commands.load import load
from hub.commands.query import query
from hub.commands.ready import ready
from hub.commands.replay import replay
from hub.commands.serve import serve
from hub.commands.settings import settings
from hub.commands.streams import streams
from hub.commands.token import token
from hub.commands.watch import watch
from hub.preflight import one_sentence

app = typer.Typer(
    name="pxl-hub",
    help="A streaming WebSocket analytics hub over InfluxDB: points in, explained windows out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    epilog=(
        "Exit codes: 0 done, 1 failed, 2 used or configured wrongly; each command says more. "
        "`pxl-hub --install-completion` has your shell complete commands and options."
    ),
)


app.command()(serve)
app.command()(demo)
app.command()(ready)
app.command()(doctor)
app.command()(agent)
app.command()(watch)
app.command()(query)
app.command()(replay)
app.add_typer(listen, name="listen")
app.add_typer(streams, name="streams")
app.command()(settings)
app.add_typer(token, name="token")
app.command()(dead_letters)
app.command()(load)


def main() -> None:
    """The entry point. A mistake of the user's ends in one sentence and exit code 2."""
    with one_sentence():
        app()
