"""`mainspring init`: writes an app to begin with, or the models of an existing database."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from mainspring.cli.models.module import module
from mainspring.cli.models.sayable import sayable
from mainspring.cli.target import read_settings
from mainspring.engines.registry import look
from mainspring.errors import ConfigError, Mistake

STARTER = '''"""A first app: notes that belong to whoever wrote them. Serve it with `mainspring serve {file}`."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from mainspring import Mainspring, auth
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The base of the models."""


class Note(Base):
    """A note."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(default=auth.uid)
    text: Mapped[str]
    shared: Mapped[bool] = mapped_column(default=False)
    written_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), server_default=sa.func.now())


app = Mainspring(models=Base)


@app.policy(Note, "select", to=["anon", "authenticated"])
def shared_or_own(note: Any, me: Any) -> Any:
    return note.shared | (note.owner_id == me.uid)


@app.policy(Note, "insert", "update", "delete", to="authenticated")
def own(note: Any, me: Any) -> Any:
    return note.owner_id == me.uid
'''


def init(out: str, flags: Mapping[str, str]) -> int:
    """Write the file `out`: of the database that `flags` name, else one to begin with. Raises ConfigError."""
    file = Path(out)
    if file.exists():
        raise ConfigError([Mistake("--out", f"{out} is there already", "name another file, or move that one away")])
    if not file.parent.is_dir():
        raise ConfigError([Mistake("--out", f"there is no folder {file.parent}", "make it first")])
    text, made = _adopted(file, flags) if flags else (STARTER.format(file=out), "an app to begin with")
    with file.open("x", encoding="utf-8") as stream:
        stream.write(text)
    print(f"{out}: {made}")
    return 0


def _adopted(file: Path, flags: Mapping[str, str]) -> tuple[str, str]:
    settings = read_settings(flags, Path.cwd())
    found = look(settings, Path(settings.server.data))
    catalog, unfit = sayable(found.catalog)
    unsaid = (*found.unsaid, *unfit)
    for part in found.left_out:
        print(f"left out: {part}", file=sys.stderr)
    for part in unsaid:
        print(f"not said by the models: {part}", file=sys.stderr)
    text = module(catalog, file.name, _without_password(settings.database.url), found.left_out, unsaid)
    return text, f"{len(catalog.tables)} models; nobody may do anything with them until a policy says so"


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    kept = parts._replace(query="") if "password" in parts.query else parts
    if parts.password is not None:
        kept = kept._replace(netloc=f"{parts.username or ''}@{parts.netloc.rpartition('@')[2]}")
    return url if kept == parts else urlunsplit(kept)
