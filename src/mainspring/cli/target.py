"""Finds the app a command names, and its settings. What is wrong is gathered, each mistake with its place."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Protocol, runtime_checkable

from mainspring.app import Mainspring
from mainspring.errors import ConfigError, Mistake
from mainspring.http.dispatch import Dispatcher
from mainspring.observe import log_sink
from mainspring.services.identity.service import Identity
from mainspring.settings import TOML_NAME, CountersSettings, ServerSettings, Settings, load


@runtime_checkable
class Buildable(Protocol):
    """What an app file defines: `Mainspring` is one."""

    def build(self, settings: Settings, data: Path) -> Dispatcher:
        """The application to serve. Opens no connection: that is for its steps. Raises ConfigError."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What was asked for on the command line; plain, so that it can be sent to a worker process."""

    app: str
    flags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """An app file or module and the name of the app in it."""

    file: Path | None
    module: str
    name: str

    @property
    def folder(self) -> Path:
        """Where the app's own modules and its settings file lie."""
        return self.file.parent if self.file else Path.cwd()


def parse(spec: str) -> Target:
    """`file.py`, `file.py:name`, `module` or `module:name`; the name is `app` where none is given."""
    place, _, name = spec.rpartition(":") if ":" in spec else (spec, "", "")
    name = name or "app"
    if place.endswith(".py") or "/" in place or os.sep in place:
        file = Path(place).absolute()
        return Target(file, file.stem, name)
    return Target(None, place, name)


def prepare(launch: Launch) -> tuple[Settings, Dispatcher]:
    """The settings and the application, ready to be started. Raises ConfigError with all mistakes found."""
    target = parse(launch.app)
    mistakes: list[Mistake] = []
    settings, app = None, None
    try:
        settings = read_settings(launch.flags, target.folder)
    except ConfigError as error:
        mistakes.extend(error.mistakes)
    try:
        app = find_app(target)
    except ConfigError as error:
        mistakes.extend(error.mistakes)
    if settings is None and app is not None:
        mistakes.extend(_mistakes_of(app, target))
    if settings is None or app is None:
        raise ConfigError(mistakes)
    return settings, _build(app, settings, target)


def app_of(spec: str) -> Mainspring:
    """The app that `spec` names, whose models can be looked at. Raises ConfigError."""
    found = find_app(parse(spec))
    if not isinstance(found, Mainspring):
        raise ConfigError([Mistake(spec, "is not a Mainspring itself")])
    return found


def people_of(app: Mainspring, settings: Settings) -> AbstractAsyncContextManager[Identity]:
    """The service that knows who can sign in, for a command: which shares no counters with servers. Raises ConfigError."""
    alone = replace(settings, server=replace(settings.server, workers=1), counters=CountersSettings())
    return app.people(alone, Path(settings.server.data), log_sink("error", settings.server.log_format))


def load_worker(launch: Launch) -> Dispatcher:
    """The application, for a worker process. Raises ConfigError."""
    return prepare(launch)[1]


def read_settings(flags: Mapping[str, str], folder: Path) -> Settings:
    """The settings, from the file in `folder` or the working one. Raises ConfigError."""
    for file in dict.fromkeys((folder / TOML_NAME, Path.cwd() / TOML_NAME)):
        if file.is_file():
            try:
                return load(flags, os.environ, file.read_text("utf-8"), _short(file))
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError([Mistake(_short(file), f"cannot be read: {error}")]) from error
    return load(flags, os.environ)


def find_app(target: Target) -> Buildable:
    """The app that `target` names. Raises ConfigError, with file and line where the app file itself raised."""
    module = _import(target)
    place = _short(target.file) if target.file else target.module
    found: object = module
    for part in target.name.split("."):
        if not hasattr(found, part):
            raise ConfigError([Mistake(place, f'has no "{target.name}"', _suggest(target, module))])
        found = getattr(found, part)
    if isinstance(found, type) or not isinstance(found, Buildable):
        kind = f"the class {found.__name__}" if isinstance(found, type) else f"of type {type(found).__name__}"
        raise ConfigError([Mistake(place, f'"{target.name}" is {kind}, not a Mainspring', _suggest(target, module))])
    return found


def _import(target: Target) -> ModuleType:
    if target.file is not None and not target.file.is_file():
        raise ConfigError([Mistake(_short(target.file), "there is no such file", _neighbour(target.file))])
    sys.path.insert(0, str(target.folder))
    try:
        return importlib.import_module(target.module) if target.file is None else _import_file(target.file)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError([_mistake_in_app(error, target)]) from error


def _import_file(file: Path) -> ModuleType:
    name = file.stem if file.stem not in sys.modules else f"mainspring_app_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # models resolve their annotations through it
    spec.loader.exec_module(module)
    return module


def _build(app: Buildable, settings: Settings, target: Target) -> Dispatcher:
    try:
        return app.build(settings, Path(settings.server.data))
    except ConfigError:
        raise
    except Exception as error:
        if not _own_lines(error, target):
            raise
        raise ConfigError([_mistake_in_app(error, target)]) from error


def _mistakes_of(app: Buildable, target: Target) -> Sequence[Mistake]:
    """What is wrong with the app itself, where the settings it is meant for are wrong too."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            _build(app, Settings(ServerSettings(data=folder)), target)
        except ConfigError as error:
            return error.mistakes
    return ()


def _mistake_in_app(error: Exception, target: Target) -> Mistake:
    """The mistake at the innermost line of the user's own code that led to `error`."""
    lines = _own_lines(error, target)
    if isinstance(error, SyntaxError) and error.filename:
        return Mistake(f"{_short(Path(error.filename))}:{error.lineno}", f"{type(error).__name__}: {error.msg}")
    place = f"{_short(Path(lines[-1].filename))}:{lines[-1].lineno}" if lines else target.module
    return Mistake(place, f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def _own_lines(error: Exception, target: Target) -> list[traceback.FrameSummary]:
    own = str(target.folder)
    installed = f"{os.sep}site-packages{os.sep}"
    ours = str(Path(__file__).parent.parent)
    return [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(own) and installed not in frame.filename and not frame.filename.startswith(ours)
    ]


def _suggest(target: Target, module: ModuleType) -> str | None:
    apps = [name for name, value in vars(module).items() if isinstance(value, Buildable) and not isinstance(value, type)]
    close = difflib.get_close_matches(target.name, apps, n=1, cutoff=0.0)
    place = _short(target.file) if target.file else target.module
    return f"did you mean {place}:{close[0]}?" if close else None


def _neighbour(file: Path) -> str | None:
    there = [path.name for path in file.parent.glob("*.py")] if file.parent.is_dir() else []
    close = difflib.get_close_matches(file.name, there, n=1)
    return f"did you mean {_short(file.with_name(close[0]))}?" if close else None


def _short(path: Path) -> str:
    """`path` as the user would write it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
