"""What the tests of supabase-py share: its sync and its async client behind one face."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from postgrest.exceptions import APIError
from supabase import AClientOptions, ClientOptions, acreate_client, create_client


async def connect(kind: str, url: str, key: str, token: str | None = None) -> Any:
    """A `sync` or `async` client, with a user's token where there is one."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if kind == "sync":
        return create_client(url, key, options=ClientOptions(headers=headers))
    return await acreate_client(url, key, options=AClientOptions(headers=headers))


async def result(value: Any) -> Any:
    """What either client's call comes to."""
    return await value if inspect.isawaitable(value) else value


async def answer(query: Any) -> Any:
    """Returns the response to a query of either client."""
    return await result(query.execute())


async def rows(query: Any) -> Any:
    """Returns what a query answers, when it must not fail."""
    return (await answer(query)).data


async def ids(query: Any) -> list[Any]:
    """The ids of the rows, in order."""
    return [row["id"] for row in await rows(query.order("id"))]


async def refusal(query: Any) -> APIError:
    """Returns the error of a query that must fail."""
    with pytest.raises(APIError) as caught:
        await answer(query)
    return caught.value
