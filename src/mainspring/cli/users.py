"""`mainspring users`: the people who sign in, through the service that serves them; tokens are refused by servers that run."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from mainspring.app import Mainspring
from mainspring.cli.target import app_of, parse, people_of, read_settings
from mainspring.cli.user_arguments import KINDS
from mainspring.cli.user_imports import import_people, printable
from mainspring.errors import ConfigError, MainspringError, Mistake
from mainspring.services.identity.administration import Account
from mainspring.services.identity.flows.invitations import INVITE, SIGNUP, Link, Wanted
from mainspring.services.identity.people import User, now
from mainspring.services.identity.service import Identity
from mainspring.settings import Settings
from mainspring.surfaces.auth import render
from mainspring.surfaces.auth.parse import duration

Given = argparse.Namespace
_FAILED: Final = 1
_COLUMNS: Final = ("id", "email", "phone", "roles", "state", "created_at")


def users(given: Given, flags: Mapping[str, str]) -> int:
    """Do what was asked and print what there is to see. Returns the exit code. Raises ConfigError."""
    settings, app = read_settings(flags, parse(given.app).folder), app_of(given.app)
    given.secret = _password(given)
    _sure(given)
    try:
        told = asyncio.run(_done(app, settings, given))
    except ConfigError:
        raise
    except MainspringError as error:
        print(f"mainspring users {given.action}: {error.message}", file=sys.stderr)
        return _FAILED
    if told is not None:
        print(told)
    return _FAILED if getattr(given, "incomplete", False) else 0


async def _done(app: Mainspring, settings: Settings, given: Given) -> str | None:
    async with people_of(app, settings) as identity:
        return await _ACTIONS[given.action](identity, given, settings)


def _password(given: Given) -> str | None:
    """The password, where one is needed: on the command line every process of the machine could read it."""
    needed = given.action == "set-password" or getattr(given, "password", False)
    if given.action == "link" and given.kind == SIGNUP:
        needed = True
    if not needed:
        return None
    said = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not said:
        raise ConfigError([Mistake("password", "is empty", "type it, or write it to standard input")])
    return said


def _sure(given: Given) -> None:
    if given.action != "delete" or given.yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError([Mistake("delete", "cannot be undone", "say --yes")])
    if input(f"Delete {given.user} and all that is theirs? [y/N] ").strip().lower() not in ("y", "yes"):
        raise ConfigError([Mistake("delete", "was not confirmed")])


# ---------------------------------------------------------------- what can be done


async def _list(identity: Identity, given: Given, _: Settings) -> str:
    size = max(1, given.per_page)
    found, total = await identity.administration.page(max(1, given.page), size, given.filter)
    if given.format == "json":
        return _json({"users": [render.user(each) for each in found], "total": total})
    return _table(found, f"page {given.page} of {max(1, -(-total // size))}, {total} in all")


async def _show(identity: Identity, given: Given, _: Settings) -> str:
    return _shown(await identity.administration.named(given.user), given)


async def _create(identity: Identity, given: Given, _: Settings) -> str:
    by_mail, confirmed = "@" in given.address, not given.unconfirmed
    account = Account(
        email=given.address if by_mail else None,
        phone=None if by_mail else given.address,
        password=given.secret,
        email_confirm=by_mail and confirmed,
        phone_confirm=not by_mail and confirmed,
        app_data={"roles": _roles(given.roles)} if given.roles else None,
    )
    return _shown(await identity.administration.create(account), given)


async def _delete(identity: Identity, given: Given, _: Settings) -> None:
    user = await identity.administration.named(given.user)
    await identity.administration.delete(user.id, soft=given.soft)


async def _invite(identity: Identity, given: Given, settings: Settings) -> str:
    if not settings.mail.url and not settings.hooks.send_email:  # an inbox of this process would end with it
        return _link(await identity.invitations.link(_wanted(identity, given, INVITE)), given)
    return _shown(await identity.invitations.invite(given.email, {}, _target(identity, given)), given)


async def _make_link(identity: Identity, given: Given, _: Settings) -> str:
    if given.kind not in KINDS:
        raise ConfigError([Mistake(given.kind, "is no kind of link", f"one of {', '.join(KINDS)}")])
    return _link(await identity.invitations.link(_wanted(identity, given, given.kind)), given)


def _wanted(identity: Identity, given: Given, kind: str) -> Wanted:
    return Wanted(kind, given.email, getattr(given, "new_email", ""), given.secret, redirect_to=_target(identity, given))


def _target(identity: Identity, given: Given) -> str:
    chosen = identity.parts.redirects.choose(given.redirect_to or None)
    if given.redirect_to and chosen != given.redirect_to:
        raise ConfigError([Mistake("--redirect-to", "nobody may be sent there", "add it to auth.redirect_urls")])
    return chosen


def _changing(account: Callable[[Given], Account]) -> Callable[[Identity, Given, Settings], Awaitable[str]]:
    """An action that changes a user as `account` says."""

    async def change(identity: Identity, given: Given, _: Settings) -> str:
        user = await identity.administration.named(given.user)
        return _shown(await identity.administration.update(user.id, account(given)), given)

    return change


def _roles(text: str) -> list[str]:
    return [role.strip() for role in text.split(",") if role.strip()]


_ACTIONS: Final[Mapping[str, Callable[[Identity, Given, Settings], Awaitable[str | None]]]] = {
    "list": _list,
    "show": _show,
    "create": _create,
    "set-password": _changing(lambda given: Account(password=given.secret)),
    "ban": _changing(lambda given: Account(ban=duration(given.duration))),
    "unban": _changing(lambda _: Account(ban=duration("none"))),
    "delete": _delete,
    "set-role": _changing(lambda given: Account(role=given.role)),
    "set-roles": _changing(lambda given: Account(app_data={"roles": _roles(given.roles)})),
    "invite": _invite,
    "link": _make_link,
    "import": import_people,
}


# ---------------------------------------------------------------- what is printed


def _shown(user: User, given: Given) -> str:
    return _json(render.user(user)) if given.format == "json" else _table([user])


def _link(link: Link, given: Given) -> str:
    if given.format == "table":
        return link.url
    told = {"action_link": link.url, "email_otp": link.code.digits, "hashed_token": link.code.token}
    return _json({**told, "verification_type": link.kind, "redirect_to": link.redirect_to, "user": render.user(link.user)})


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _table(found: list[User], foot: str = "") -> str:
    rows = [_COLUMNS, *map(_row, found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_COLUMNS))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, *([foot] if foot else [])])


def _row(user: User) -> tuple[str, ...]:
    told = render.user(user)
    state = "deleted" if user.deleted_at else "banned" if user.banned(now()) else "" if user.confirmed else "unconfirmed"
    roles = (user.raw_app_meta_data or {}).get("roles")
    named = ",".join(map(str, roles)) if isinstance(roles, list) else ""
    cells = (user.id, user.email or "", user.phone or "", named, state or "confirmed", str(told["created_at"])[:19])
    return tuple(map(printable, cells))
