"""Where the page, its parts and the description that it reads lie."""

from __future__ import annotations

from collections.abc import Mapping

from mainspring.http.headers import ASGIApp
from mainspring.surfaces.docs.handle import part


def routes(path: str, description: ASGIApp) -> Mapping[str, ASGIApp]:
    """The page at `path`, by whole paths; `description` answers the OpenAPI document."""
    return {
        path: part("page.html", base=path),
        f"{path}/page.css": part("page.css"),
        f"{path}/page.js": part("page.js"),
        f"{path}/openapi.json": description,
    }
