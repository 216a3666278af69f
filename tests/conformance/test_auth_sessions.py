"""Where people are signed in, on every engine: they see their sessions and end any of them; so does the service key."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import jwt
import pytest

from mainspring.settings import Secret
from mainspring.testing.client import TestClient
from tests.support.oauth import as_program, registered
from tests.support.people import Open, People, Session, app, refused, settings
from tests.support.servers import PostgresServer

OWN = "/auth/v1/user/sessions"


def named(session: Session) -> str:
    """The id of a session."""
    return str(jwt.decode(session.body["access_token"], options={"verify_signature": False})["session_id"])


async def alive(session: Session) -> bool:
    return (await session.ask("GET", "/rest/v1/notes")).status_code == 200


async def test_people_see_where_they_are_signed_in_and_end_it_there(opened: Open) -> None:
    async with opened(autoconfirm=True) as people:
        here = await people.member()
        email = here.body["user"]["email"]
        there = await people.post(
            "/token?grant_type=password", {"email": email, "password": "correct horse 1"}, headers={"user-agent": "Phone 7"}
        )
        phone, tablet = Session(people.anon, there.json()), await people.sign_in(email)
        await people.refresh(here.refresh_token)
        listed = (await here.ask("GET", OWN)).json()
        assert [each["id"] for each in listed] == [named(here), named(tablet), named(phone)], "the latest first"
        assert [each["current"] for each in listed] == [True, False, False]
        assert listed[0]["refreshed_at"] > listed[0]["created_at"]
        assert (listed[2]["user_agent"], listed[2]["aal"], listed[2]["amr"][0]["method"]) == ("Phone 7", "aal1", "password")
        assert listed[2]["created_at"].endswith("Z")
        assert "refresh" not in str(listed[2].keys() - {"refreshed_at"})
        ended = await here.ask("DELETE", f"{OWN}/{named(phone)}")
        assert (ended.status_code, ended.content) == (204, b"")
        assert [await alive(each) for each in (here, phone, tablet)] == [True, False, True]
        refused(await people.refresh(phone.refresh_token), 400, "session_not_found")
        refused(await here.ask("DELETE", f"{OWN}/{named(phone)}"), 404, "validation_failed")
        assert (await here.ask("DELETE", f"{OWN}/{named(here)}")).status_code == 204, "this one as well"
        assert not await alive(here)
        refused(await here.ask("GET", OWN), 403, "session_not_found")
        assert len((await tablet.ask("GET", OWN)).json()) == 1


async def test_nobody_sees_or_ends_those_of_others(opened: Open) -> None:
    async with opened(autoconfirm=True, oauth_server=True) as people:
        ann, ben = await people.member(), await people.member()
        program = await registered(people)
        tokens = await program.tokens(ann)
        robot = as_program(ann, tokens)
        for path in (f"{OWN}/{named(ben)}", f"{OWN}/{uuid4()}", f"{OWN}/{named(robot)}", f"{OWN}/nonsense", f"{OWN}/%00"):
            refused(await ann.ask("DELETE", path), 404, "validation_failed")
        assert [each["id"] for each in (await ann.ask("GET", OWN)).json()] == [named(ann)], "programs are grants"
        for asker in (robot, Session(people.anon, {"access_token": ""})):
            assert (await asker.ask("GET", OWN)).status_code in (401, 403)
            assert (await asker.ask("DELETE", f"{OWN}/{named(ann)}")).status_code in (401, 403)
        for path in (f"/auth/v1/admin/users/{ben.uid}/sessions", f"/auth/v1/admin/users/{ben.uid}/sessions/{named(ben)}"):
            for method in ("GET", "DELETE") if path.endswith("sessions") else ("DELETE",):
                refused(await ann.ask(method, path), 403, "not_admin")
        assert await alive(ann)
        assert await alive(ben)
        assert await alive(robot)


@pytest.mark.alone
async def test_what_has_ended_is_not_listed(opened: Open) -> None:
    async with opened(autoconfirm=True, session_idle_seconds=1) as people:
        old = await people.member()
        await asyncio.sleep(1.1)
        new = await people.sign_in(old.body["user"]["email"])
        assert [each["id"] for each in (await new.ask("GET", OWN)).json()] == [named(new)]


async def test_the_service_key_ends_one_or_all(opened: Open) -> None:
    async with opened(autoconfirm=True) as people:
        here = await people.member()
        there, elsewhere = [await people.sign_in(here.body["user"]["email"]) for _ in range(2)]
        path = f"/auth/v1/admin/users/{here.uid}/sessions"
        listed = (await people.service.get(path)).json()
        assert {each["id"] for each in listed} == {named(each) for each in (here, there, elsewhere)}
        assert "current" not in listed[0]
        assert (await people.service.delete(f"{path}/{named(there)}")).status_code == 204
        assert [await alive(each) for each in (here, there, elsewhere)] == [True, False, True]
        refused(await people.service.delete(f"{path}/{named(there)}"), 404, "validation_failed")
        assert (await people.service.delete(path)).status_code == 204
        assert [await alive(each) for each in (here, elsewhere)] == [False, False]
        assert (await people.service.get(path)).json() == []
        assert await alive(await people.sign_in(here.body["user"]["email"]))
        for unknown in (str(uuid4()), "nonsense"):
            assert (await people.service.get(f"/auth/v1/admin/users/{unknown}/sessions")).status_code == 404
        entries = (await people.service.get("/auth/v1/admin/audit")).json()
        assert "logout" in str(entries)


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_who_changes_their_account_sees_it_wherever_they_ask(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    """Two processes on one database: what one has shown before, it does not show again once the other has changed it."""
    url = f"sqlite:///{tmp_path}/both.sqlite"
    if engine == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        url = postgres.database("both")
    both = settings(autoconfirm=True, jwt_secret=Secret("s" * 40), server={"workers": 2 if engine == "sqlite" else 1})
    async with TestClient(app, url, settings=both) as here, TestClient(app, url, settings=both) as there:
        ann = await People(here).member()
        elsewhere = Session(there.as_anon(), ann.body)
        for name in ("Ann", "Anna"):
            assert (await elsewhere.ask("GET", "/auth/v1/user")).status_code == 200
            await ann.ask("PUT", "/auth/v1/user", json={"data": {"name": name}})
            assert (await elsewhere.ask("GET", "/auth/v1/user")).json()["user_metadata"]["name"] == name
