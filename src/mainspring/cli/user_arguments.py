"""What `mainspring users` takes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, Final

from mainspring.settings import OPTIONS

KINDS: Final = ("signup", "invite", "magiclink", "recovery", "email_change_current", "email_change_new")
_USER: Final = "id, e-mail address or phone number"
_SOURCE: Final = "a database of Supabase's auth server (postgresql://...), or a file (.jsonl, .csv, PocketBase's data.db)"
Add = Callable[..., None]


def add_users(commands: Any, add_flag: Add) -> None:
    """Add the command; `add_flag` adds the flag of a setting to a parser."""
    parser = commands.add_parser("users", help="list, create and change the people who sign in", allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, told: str, *named: tuple[str, str]) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = actions.add_parser(name, help=told, allow_abbrev=False)
        made.add_argument("app", metavar="APP", help="as for serve")
        for each, meaning in named:
            made.add_argument(each, metavar=each.upper(), help=meaning)
        made.add_argument("--format", choices=("table", "json"), default="table", help="form of the output (table)")
        for key in ("database.url", "server.data"):
            add_flag(made, OPTIONS[key])
        return made

    listing = action("list", "list them, the newest first")
    listing.add_argument("--filter", default="", metavar="TEXT", help="a part of the address or number")
    listing.add_argument("--page", type=int, default=1, metavar="N", help="which page (1)")
    listing.add_argument("--per-page", type=int, default=50, metavar="N", help="how many on a page (50)")
    action("show", "show one", ("user", _USER))
    creating = action("create", "create one, whose address counts as confirmed", ("address", "e-mail address or phone number"))
    creating.add_argument("--password", action="store_true", help="ask for a password, or read it from standard input")
    creating.add_argument("--unconfirmed", action="store_true", help="the address still has to be confirmed")
    creating.add_argument("--roles", default="", help="app_metadata.roles, with commas between")
    action("set-password", "set a password, asked for or read from standard input", ("user", _USER))
    banning = action("ban", "let one sign in no more, and end what they are signed in with", ("user", _USER))
    banning.add_argument("--for", dest="duration", default="876000h", metavar="24h", help="for so long (a hundred years)")
    action("unban", "let one sign in again", ("user", _USER))
    deleting = action("delete", "remove one and all that is theirs", ("user", _USER))
    deleting.add_argument("--soft", action="store_true", help="keep the id, forget everything else")
    deleting.add_argument("--yes", action="store_true", help="do not ask")
    action("set-role", "set the role that tokens name", ("user", _USER), ("role", "authenticated, or one of the app's policies"))
    action("set-roles", "set app_metadata.roles, of which me.has_role tells", ("user", _USER), ("roles", "commas between"))
    inviting = action("invite", "mail an invitation; where no mails are sent, print its link", ("email", "e-mail address"))
    inviting.add_argument("--redirect-to", default="", metavar="URL", help="where its link leads to in the end")
    linking = action("link", "print a link, to be handed over in another way", ("kind", ", ".join(KINDS)), ("email", "whose"))
    linking.add_argument("--new-email", default="", metavar="EMAIL", help="for the links that change an address")
    linking.add_argument("--redirect-to", default="", metavar="URL", help="where it leads to in the end")
    importing = action("import", "take in people who signed in elsewhere, with ids, hashes and all; again and again")
    importing.add_argument("--from", dest="source", required=True, metavar="SOURCE", help=_SOURCE)
    importing.add_argument("--schema", default="auth", help="where in the database the table users is (auth)")
    importing.add_argument("--collection", default="users", help="whose people of a PocketBase file (users)")
    importing.add_argument("--dry-run", action="store_true", help="write nothing, only say what would be done")
    for each in (inviting, linking):
        add_flag(each, OPTIONS["auth.external_url"])
