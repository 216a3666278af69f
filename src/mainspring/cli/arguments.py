"""The commands and their flags. Every setting but a secret has a flag; a command is imported when run."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence

from mainspring import __version__
from mainspring.cli.user_arguments import add_users
from mainspring.errors import ConfigError, MainspringError
from mainspring.settings import OPTIONS, SHORT_FLAGS, Option

_FAILED, _MISTAKES = 1, 2
NO_APP = "mainspring.cli.bare"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv`. Returns the exit code: 0 done, 1 failed, 2 a mistake in what was asked."""
    gc.disable()  # what is imported and built now stays; `serve` goes on collecting once it serves
    try:
        return _run(_parser().parse_args(argv))
    finally:
        gc.enable()


def _run(given: argparse.Namespace) -> int:
    flags: dict[str, str] = dict(getattr(given, "flags", None) or {})
    try:
        if given.command == "keys":
            from mainspring.cli.keys import keys

            return keys(flags, given)
        if given.command == "reference":
            from mainspring.cli.reference import reference

            return reference(given.page)
        if given.command == "types":
            from mainspring.cli.types import types

            return types(given.language, given.app, flags)
        if given.command == "db":
            from mainspring.cli.db import bootstrap

            return bootstrap(flags)
        if given.command == "init":
            from mainspring.cli.init import init

            return init(given.out, flags)
        if given.command == "users":
            from mainspring.cli.users import users

            return users(given, flags)
        if given.command == "token":
            from mainspring.cli.token import token

            return token(flags, given.user, given.roles, given.hours)
        from mainspring.cli.serve import serve

        return serve(given.app, flags)
    except ConfigError as error:
        report(error)
        return _MISTAKES
    except MainspringError as error:
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        print(f"Mainspring cannot start: {error.message}{cause}", file=sys.stderr, flush=True)
        return _FAILED


def report(error: ConfigError) -> None:
    """Write every mistake to standard error, one a line."""
    count = len(error.mistakes)
    print(f"Mainspring cannot start: {count} mistake{'' if count == 1 else 's'}", file=sys.stderr)
    for mistake in error.mistakes:
        print(f"  {mistake}", file=sys.stderr, flush=True)


class _Flag(argparse.Action):
    """Keeps a flag under the name it was written with, so that a mistake can name it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[str] | None,
        option_string: str | None = None,
    ) -> None:
        text = "true" if not values or not isinstance(values, str) else values
        name = "--database" if option_string == "--from" else option_string
        namespace.flags = {**(namespace.flags or {}), name: text}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mainspring",
        description="SQLAlchemy models and Python policies in, a data API out.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"mainspring {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serving = commands.add_parser("serve", help="serve an app", allow_abbrev=False)
    serving.add_argument(
        "app", metavar="APP", nargs="?", default=NO_APP, help="file.py, file.py:name or module:name; none: a database as it is"
    )
    for opt in OPTIONS.values():
        _add_flag(serving, opt)
    beginning = commands.add_parser("init", help="write an app, or the models of an existing database", allow_abbrev=False)
    _add_flag(beginning, OPTIONS["database.url"], "--from")
    beginning.add_argument("--out", default="app.py", metavar="FILE", help="the file to write; it must not exist (app.py)")
    _add_flag(beginning, OPTIONS["rest.schemas"])
    _add_keys(commands.add_parser("keys", help="print the API keys; list, rotate or revoke signing keys", allow_abbrev=False))
    signing = commands.add_parser("token", help="sign a user's token, for development", allow_abbrev=False)
    signing.add_argument("--user", required=True, metavar="UUID", help="the user's id (sub)")
    signing.add_argument("--roles", default="", help="app_metadata.roles, with commas between")
    signing.add_argument("--hours", type=float, default=1.0, help="how long it is good for (1)")
    _add_flag(signing, OPTIONS["server.data"])
    add_users(commands, _add_flag)
    typing = commands.add_parser("types", help="write the types of the tables for clients", allow_abbrev=False)
    typing.add_argument("language", choices=("typescript", "python"), help="for supabase-js, or Pydantic models")
    typing.add_argument("app", metavar="APP", nargs="?", default=NO_APP, help="as for serve; none: a database as it is")
    for key in ("database.url", "database.auth_mode", "rest.schemas"):
        _add_flag(typing, OPTIONS[key])
    preparing = commands.add_parser("db", help="prepare a database", allow_abbrev=False)
    preparing.add_argument("action", choices=("bootstrap",), help="make an empty database ready")
    preparing.add_argument("--supabase", action="store_true", required=True, help="for a Supabase project's migrations")
    _add_flag(preparing, OPTIONS["database.url"])
    telling = commands.add_parser("reference", help="print a reference page", allow_abbrev=False)
    telling.add_argument("page", choices=("settings", "errors", "operators"))
    return parser


def _add_keys(parser: argparse.ArgumentParser) -> None:
    told = (
        "print the API keys (made first where there are none); list the signing keys, bring in a new one (rotate), end one "
        "at once (revoke); create a key for a service, list those there are (services), end one (revoke its id)"
    )
    actions = ("print", "list", "rotate", "revoke", "create", "services")
    parser.add_argument("action", nargs="?", choices=actions, default="print", help=told)
    parser.add_argument("kid", nargs="?", help="revoke: which key (its kid, the id of a service's, sb_publishable or sb_secret)")
    parser.add_argument("--now", action="store_true", help="rotate: the new key signs at once, before all have seen it")
    parser.add_argument("--format", choices=("env", "json"), default="env", help="print: form of the output (env)")
    parser.add_argument("--name", help="create: what the key is for")
    parser.add_argument("--role", default="service_role", help="create: the role it has (service_role)")
    parser.add_argument(
        "--tables", nargs="+", metavar="TABLE:COMMANDS", help="create: all it may do of that, e.g. public.posts:select,insert"
    )
    parser.add_argument("--app", metavar="APP", help="create: as for serve; tables, functions and role are checked to be its own")
    parser.add_argument("--expires", metavar="AGE", help="create: when it ends, e.g. 90d (never)")
    for key in ("server.data", "database.url", "auth.jwt_algorithm", "auth.key_overlap_seconds"):
        _add_flag(parser, OPTIONS[key])


def _add_flag(parser: argparse.ArgumentParser, opt: Option, name: str | None = None) -> None:
    """A flag for a setting, under all its names or only as `name`."""
    if opt.flag is None:
        return
    short = [flag for flag, key in SHORT_FLAGS.items() if key == opt.key]
    shown = ",".join(opt.default) if isinstance(opt.default, tuple) else str(opt.default)
    told = f"{opt.doc} ({shown})" if shown else opt.doc
    takes_none = isinstance(opt.default, bool)
    parser.add_argument(
        *([name] if name else [*short, opt.flag]),
        action=_Flag,
        dest="flags",
        nargs="?" if takes_none else None,
        metavar=opt.name.upper(),
        help=told.replace("%", "%%"),
    )
