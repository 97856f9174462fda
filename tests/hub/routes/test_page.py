"""The page's files, and what is said where they were not built."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.testclient import TestClient

from hub.routes.page import page_in


def client(folder: Path) -> TestClient:
    return TestClient(Starlette(routes=[page_in(folder)]))


def test_a_page_that_was_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    answer = client(tmp_path / "built").get("/")
    assert answer.status_code == 503
    assert "scripts/install" in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_the_index_is_what_is_served_at_the_root(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("the page")
    assert client(tmp_path).get("/").text == "the page"
    assert client(tmp_path).get("/none.js").status_code == 404


def test_the_page_of_the_contract_is_at_docs(tmp_path: Path) -> None:
    assert client(tmp_path).get("/docs").status_code == 503
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.html").write_text("the contract")
    assert client(tmp_path).get("/docs").text == "the contract"
    assert client(tmp_path).get("/docs/").url.path == "/docs"
