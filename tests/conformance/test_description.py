"""The API description in app mode: what the caller's role may do, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from mainspring.testing.client import TestClient
from tests.conformance.test_rpc import ADA, Task, application


@pytest.mark.parametrize("url", ["memory://", ""])
async def test_the_root_describes_what_the_caller_may_use(url: str) -> None:
    app = application()
    app.grant(Task, "select", to="authenticated", exclude=["done"])
    app.grant(Task, "insert", to="authenticated", columns=["list_id", "title"])
    app.grant(Task, "update", to="authenticated", columns=["title"])
    async with TestClient(app, url) as client:
        nobody: Any = (await client.as_anon().get("/rest/v1/")).json()
        somebody: Any = (await client.as_user(ADA).get("/rest/v1/")).json()
    assert list(nobody["paths"]) == ["/", "/rpc/add", "/rpc/echo"]
    assert {"/lists", "/tasks", "/rpc/whoami"} <= somebody["paths"].keys()
    assert "/rpc/echo" not in somebody["paths"]
    assert somebody["definitions"]["tasks"]["properties"].keys() == {"id", "list_id", "title"}
    assert "This is a Primary Key" in somebody["definitions"]["lists"]["properties"]["id"]["description"]
    assert nobody["paths"]["/rpc/add"]["get"]["summary"] == "Adds two numbers."
