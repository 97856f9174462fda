"""`/`, `/docs`: the dashboard and the page of the contract, with their files."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).parents[1] / "dashboard" / "built"

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}

UNBUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>PXL Hub</title>
<h1>PXL Hub is running; its page has not been built</h1>
<p>The hub takes points and serves windows as usual. To have the page, run <code>scripts/install</code> in the
hub's folder, or install the package again without <code>HUB_SKIP_DASHBOARD</code>; then reload.
"""


PAGES = {"": "index.html", "docs": "docs/index.html"}
"""The file of each address that is for people."""


def page_in(folder: Path) -> Route:
    """Serves the files of the page that was built into `folder`."""
    files = StaticFiles(directory=folder, check_dir=False)

    async def page(request: Request) -> Response:
        """A file; `/` and `/docs` are pages, or say how to build them where nobody has."""
        asked = request.path_params["path"]
        if asked.endswith("/") and asked.rstrip("/") in PAGES:
            return RedirectResponse(f"../{asked.rstrip('/')}", headers=HEADERS)
        path = PAGES.get(asked, asked)
        try:
            response = await files.get_response(path, request.scope)
        except HTTPException as error:
            if path not in PAGES.values() or error.status_code != 404:
                raise
            response = HTMLResponse(UNBUILT, 503)
        response.headers.update(HEADERS)
        return response

    return Route("/{path:path}", page)


routes = [page_in(FOLDER)]
