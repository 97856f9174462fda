"""`/`: the dashboard's files."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).parents[1] / "dashboard"

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}

_files = StaticFiles(directory=FOLDER, html=True, check_dir=False)


async def page(request: Request) -> Response:
    """A file of the page; `/` is its index."""
    path = request.path_params["path"]
    response = await _files.get_response(path or "index.html", request.scope)
    response.headers.update(HEADERS)
    return response


routes = [Route("/{path:path}", page)]
