"""What the user writes against, and the composition root: the one place where every part meets."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from mainspring.backends.registry import (
    Inbox,
    NoSms,
    Nowhere,
    open_captcha,
    open_counters,
    open_far_counters,
    open_mailer,
    open_sms,
    open_web,
    open_webhooks,
    others,
)
from mainspring.catalog.access import Access
from mainspring.catalog.build import Models, build
from mainspring.catalog.declared.mapping import attributes, table_of
from mainspring.catalog.model import Catalog, Table
from mainspring.catalog.routines import Routine
from mainspring.catalog.system import RESERVED_SCHEMAS
from mainspring.engines.base import Engine
from mainspring.engines.registry import look, open_engine, open_functions, open_memory, open_native
from mainspring.errors import ConfigError, Mistake
from mainspring.http.client import locator
from mainspring.http.cookies import SessionCookie
from mainspring.http.cors import Cors
from mainspring.http.dispatch import Dispatcher, Step
from mainspring.http.headers import ASGIApp, Receive, Scope, Send
from mainspring.http.principal import identifier
from mainspring.observe import KeysUnread, LeftOut, MailLost, Sink, TablesUnreachable, TextsLost, log_sink
from mainspring.plan.limits import Limits
from mainspring.plan.planner import Planner
from mainspring.policy.computed import Computations
from mainspring.policy.declare import Declarations, Roles
from mainspring.policy.language import Names
from mainspring.policy.registry import Registry, open_to_read
from mainspring.policy.running import Rule
from mainspring.principal import AUTHENTICATED, SERVICE_PRINCIPAL, Principal
from mainspring.query.ast import Insert, Slot, TableName
from mainspring.services.data import Data, Request
from mainspring.services.functions.database import DatabaseFunctions, Opened
from mainspring.services.functions.declare import Functions
from mainspring.services.functions.run import Caller, catalogued
from mainspring.services.hooks import Declared, Target
from mainspring.services.hooks import Functions as HookFunctions
from mainspring.services.identity.keys.keys import KeySet, open_keys, open_secret
from mainspring.services.identity.service import PATH as AUTH_PATH
from mainspring.services.identity.service import Identity, external_url, is_private, open_identity
from mainspring.services.identity.tokens.tokens import TokenVerifier
from mainspring.services.identity.watch import KEYS_SECONDS, Watch, renew
from mainspring.settings import Settings, load
from mainspring.surfaces.auth.hooks import WireHooks
from mainspring.surfaces.auth.routes import AuthSurface
from mainspring.surfaces.auth.well_known import well_known
from mainspring.surfaces.docs.routes import routes as docs_routes
from mainspring.surfaces.inbox.routes import PATH as INBOX_PATH
from mainspring.surfaces.inbox.routes import inbox
from mainspring.surfaces.ops.routes import routes as ops_routes
from mainspring.surfaces.rest.media import OPENAPI
from mainspring.surfaces.rest.routes import RestSurface

AUTH_SCHEMA: Final = "auth"

Seed = Callable[[], Mapping[Any, Sequence[Mapping[str, Any]]]]
S = TypeVar("S", bound=Seed)
F = TypeVar("F", bound=Rule)
M = TypeVar("M")
C = TypeVar("C", bound=Callable[..., Any])


class Mainspring:
    """An application: models, who may do what with them, and the rows it starts with.

    It is an ASGI application; `mainspring serve` serves it with settings and workers.
    """

    def __init__(self, models: Models | Sequence[Models] = ()) -> None:
        self._models = models
        self._declarations = Declarations()
        self._computations = Computations()
        self._functions = Functions()
        self._opened = Opened()
        self._hooks = Declared()
        self._seeds: list[Seed] = []
        self._served: Dispatcher | None = None

    # ------------------------------------------------------------ declarations

    def policy(
        self, model: object, *commands: str, to: Roles = None, restrictive: bool = False, check: Rule | None = None
    ) -> Callable[[F], F]:
        """A decorator: the function says, of `(row, me)`, which rows of `model` the roles `to` may use in `commands`.

        Commands are select, insert, update, delete or all; `to=None` means every role. The function runs once, at start,
        and builds an expression. Semantics are PostgreSQL's: several policies add up, restrictive ones must all hold;
        `check` says what rows may become where that differs from what they may be.
        """
        return self._declarations.policy(model, *commands, to=to, restrictive=restrictive, check=check)

    def grant(
        self,
        model: object,
        *commands: str,
        to: Roles = None,
        columns: Iterable[object] | None = None,
        exclude: Iterable[object] | None = None,
    ) -> Callable[[M], M]:
        """Only these `columns` (or all but `exclude`) may the roles `to` use in `commands`; several grants add up.

        A call with the model, or without it a class decorator: `@app.grant("select", to="anon", columns=[...])`.
        """
        return self._declarations.grant(model, *commands, to=to, columns=columns, exclude=exclude)

    def computed(self, model: object, *, name: str | None = None) -> Callable[[F], F]:
        """A decorator: the function says, of a row of `model`, what a computed column holds; it is called by the function's name.

        Clients select it by name (it is no part of `*`), filter, order and cast it; nobody writes it. Whoever may read the
        columns that it reads may read it, and whoever is granted it by name. The function runs once, at start, and builds an
        expression: `+ - *` on numbers, `+` on texts, `.lower() .upper() .length() .as_text()`, places in JSON, comparisons,
        `coalesce(...)`, `case(...)`.
        """
        return self._computations.column(model, name)

    def relation(
        self, model: object, target: object, *, single: bool = False, name: str | None = None, inverse: str | None = None
    ) -> Callable[[F], F]:
        """A decorator: the function says, of a row of `model` and one of `target`, whether they belong together.

        Clients embed the rows of `target` by the function's name, as far as they may see them, and those of `model` in `target`
        by the name `inverse`. `single`: one row, the first by its key where several fit.
        """
        return self._computations.relation(model, target, single=single, name=name, inverse=inverse)

    def rpc(
        self,
        to: str | Sequence[str] = AUTHENTICATED,
        *,
        read_only: bool = False,
        name: str | None = None,
        schema: str = "public",
    ) -> Callable[[C], C]:
        """A decorator: the function answers `/rest/v1/rpc/{name}` for the roles `to` (and the service role).

        Its parameters are the arguments, checked against their types; one annotated `Principal` is the caller, one annotated
        `Rows` (async functions only) reads and writes as far as the caller may. What it answers is JSON, or with `-> list[Model]`
        (or `-> Model`) those rows, which the request can filter, order and embed like a table's. A `read_only` one may be called
        by GET. Sync functions run in threads. In a `schema` other than the first one served it is called with a profile header.
        """
        return self._functions.rpc(to, read_only=read_only, name=name, schema=schema)

    def database_function(self, name: str, to: str | Sequence[str] = AUTHENTICATED) -> None:
        """Open a function of the PostgreSQL database itself, `schema.name`, at `/rest/v1/rpc/{name}` for the roles `to`.

        All its overloads are called as PostgREST does it: by GET only where they are STABLE or IMMUTABLE. It runs with the rights
        of Mainspring's own login, and policies do not reach inside it: `request.jwt.claims` tells it who asks. Of a table of
        the app's it answers only the rows and columns that the caller may read. The app does not start where there is none.
        """
        self._opened.open(name, to)

    def auth_hook(self, name: str) -> Callable[[C], C]:
        """A decorator: the function has a say in what people who sign in do. It is asked with one JSON object, and answers one.

        Names: `before_user_created`, `after_user_created`, `custom_access_token`, `send_email`, `send_sms`,
        `password_verification_attempt`, `mfa_verification_attempt`; objects are those of Supabase's hooks. Raise `Refusal` to
        refuse. Sync functions run in threads. Addresses are named in the settings (`hooks.`), which are asked the same way.
        """
        return self._hooks.hook(name)

    def seed(self, function: S) -> S:
        """A decorator: the function answers the first rows, `{Model: [{column: value}, ...]}`, in the order to insert.

        It runs once: when this process has just created the tables.
        """
        self._seeds.append(function)
        return function

    # ------------------------------------------------------------ composition

    def catalog(self) -> Catalog:
        """What exists by the app's own models, computed columns and functions. Raises ConfigError."""
        return self._catalog(system=False)

    @property
    def opened(self) -> Opened:
        """The functions of the database that it opens, and to whom: for commands."""
        return self._opened

    def _catalog(self, *, system: bool) -> Catalog:
        catalog = self._computations.added(build(self._models, system=system), table_of, attributes)
        return catalogued(catalog, self._functions.resolve(table_of))

    def build(self, settings: Settings, data: Path, observe: Sink | None = None) -> Dispatcher:
        """The application to serve; opens no connection (its steps do). Raises ConfigError with every mistake found.

        Without models it serves the database of the settings as it is found, which is looked at here.
        """
        return self._compose(settings, data, observe or log_sink(settings.server.log_level, settings.server.log_format))[0]

    @asynccontextmanager
    async def people(self, settings: Settings, data: Path, observe: Sink) -> AsyncIterator[Identity]:
        """The service that knows who can sign in, without serving anybody: for commands. Raises ConfigError."""
        dispatcher, identity = self._compose(settings, data, observe)
        if identity is None:
            raise ConfigError([Mistake("auth.enabled", "nobody can sign in here", "it needs models, and app mode")])
        await dispatcher.start()
        try:
            yield identity
        finally:
            await dispatcher.stop()

    def _compose(self, settings: Settings, data: Path, observe: Sink) -> tuple[Dispatcher, Identity | None]:
        if settings.database.auth_mode == "database":
            return _build_native(settings, observe), None
        functions = self._functions.resolve(table_of)
        catalog, policies = self._rules(settings) if self._models else _found(settings, data, observe)
        keys = open_keys(data / "keys", settings.auth, observe)
        engine = open_engine(settings.database, data, existing=not self._models)
        planner = Planner(catalog, policies, _limits(settings), _exposed(settings), settings.database.search_config)
        door = Data(engine, planner, settings.cache.statements, observe)
        everywhere = replace(planner, exposed=frozenset(catalog.schemas()))  # the application's own code has no profile
        inner = Data(engine, everywhere, settings.cache.statements, observe)
        own = Data(engine, Planner(catalog, policies, exposed=frozenset({AUTH_SCHEMA})), settings.cache.statements, observe)
        database = self._database_functions(settings, engine, planner, observe)
        caller = Caller(
            functions,
            Names(catalog, table_of, attributes),
            door,
            inner,
            observe,
            threads=settings.rest.function_threads,
            seconds=settings.rest.function_seconds,
            make_engine=open_memory,
            database=database,
        )
        roles = policies.roles.union(self._opened.all_roles(), *(each.roles for each in functions.values()))
        verifier = TokenVerifier(keys, settings.auth, roles)
        keys.tell(verifier.forget)
        keys_watched = Watch(partial(renew, keys), KEYS_SECONDS, lambda error: observe(KeysUnread(error)))
        identify = identifier(verifier, settings.auth.require_key)

        async def describe(principal: Principal, schema: str, request: Request, media: str) -> bytes:
            here = [each for each in functions.values() if each.routine.name.schema == schema]
            routines = [each.routine for each in here if each.open_to(principal)]
            routines += database.visible(schema, principal) if database else []
            visible = planner.visible(schema, principal)
            if media == OPENAPI:
                return _openapi(settings, schema, principal, catalog, visible, routines)
            return _swagger(settings, catalog, [access.seen() for access in visible], routines)

        no_geojson = None if engine.capabilities.geojson else f"the {engine.name} engine"
        rest = RestSurface(door, identify, settings, functions=caller, describe=describe, no_geojson=no_geojson)
        people, cookie = _People(), _cookie(settings)
        if self._serves_people(settings):
            there = self._opened.named(catalog)
            people = _people(settings, data, own, keys, verifier, roles, observe, self._hooks, cookie, there)
        dispatcher: Dispatcher
        dispatcher = Dispatcher(
            {
                settings.rest.prefix: rest,
                **_docs(settings, rest),
                **ops_routes(lambda: dispatcher.serving, keys.jwks),
                **people.routes,
            },
            steps=[
                Step("keys", keys_watched.start, keys_watched.stop),
                Step("database", lambda: self._start(engine, planner, inner, observe), engine.stop),
                *([Step("functions of the database", database.start)] if database else []),
                *people.steps,
                Step("functions", stop=caller.stop),
            ],
            cors=Cors(settings.cors.origins, cookie.origins if cookie else ()),
            cookie=cookie,
            observe=observe,
        )
        return dispatcher, people.identity

    def _database_functions(
        self, settings: Settings, engine: Engine, planner: Planner, observe: Sink
    ) -> DatabaseFunctions | None:
        """What calls the functions that were opened, if any. Raises ConfigError."""
        if not self._opened.roles:
            return None
        self._opened.check_names(self._functions.resolve(table_of), settings.rest.schemas)
        from mainspring.plan.native.calls import CallPlanner  # here: a start without such functions need not wait for it

        native = open_functions(engine, settings, self._opened.roles)
        calls = CallPlanner(native.catalog, self._opened.roles, planner)
        door = Data(native, calls, settings.cache.statements, observe)
        return DatabaseFunctions(self._opened, door, native.start, native.catalog)

    def _rules(self, settings: Settings) -> tuple[Catalog, Registry]:
        """What exists and who may do what with it, as the application declares both."""
        if settings.database.open_read:
            cure = "leave it out, or serve the database without the app"
            raise ConfigError([Mistake("database.open_read", "an app has policies of its own", cure)])
        catalog = self._catalog(system=self._serves_people(settings))
        return catalog, self._declarations.resolve(catalog, table_of, attributes)

    def _serves_people(self, settings: Settings) -> bool:
        """Whether people can sign in: in somebody's own database, nothing of ours is created."""
        return settings.auth.enabled and bool(self._models)

    async def _start(self, engine: Engine, planner: Planner, door: Data, observe: Sink) -> None:
        if not self._models:  # somebody's own database: nothing is created there
            await engine.start(planner.catalog)
            return
        _report_unreachable(planner.registry, planner, observe)
        await engine.start(planner.catalog)
        try:
            created = set(await engine.migrate(planner.catalog))
            for seed in self._seeds:
                await _plant(seed, door, created)
        except BaseException:
            await engine.stop()  # what was not started to its end is not stopped by anybody else
            raise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as an ASGI application, with settings from the environment (any server; needs its lifespan)."""
        if self._served is None:
            try:
                settings = load({}, os.environ)
                self._served = self.build(settings, Path(settings.server.data))
            except ConfigError as error:
                if scope["type"] != "lifespan":
                    raise
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
        await self._served(scope, receive, send)


def _found(settings: Settings, data: Path, observe: Sink) -> tuple[Catalog, Registry]:
    """What an existing database holds, which nobody but the service role may touch unless it is open to read."""
    found = look(settings, data)
    if found.left_out:
        observe(LeftOut(found.left_out))
    catalog = found.catalog
    if settings.database.open_read:
        return catalog, open_to_read(catalog)
    return catalog, Registry({name: frozenset(table.columns) for name, table in catalog.tables.items()})


def _build_native(settings: Settings, observe: Sink) -> Dispatcher:
    """Database mode: an existing PostgreSQL database that types and authorises by itself."""
    from mainspring.plan.native.planner import NativePlanner  # here: what app mode does not need must not slow its start
    from mainspring.services.identity.tokens.external import ExternalTokens

    engine = open_native(settings)
    planner = NativePlanner(engine.catalog, settings.rest.plan_enabled)
    door = Data(engine, planner, settings.cache.statements, observe)
    engine.changed, engine.observe = door.forget, observe
    follows = settings.rest.openapi_mode == "follow-privileges"
    identify = ExternalTokens(settings.auth, settings.database.anon_role)

    async def describe(principal: Principal, schema: str, request: Request, media: str) -> bytes:
        catalog = engine.catalog()
        tables = [table for name, table in catalog.tables.items() if name.schema == schema]
        routines = [each for name, overloads in catalog.routines.items() if name.schema == schema for each in overloads]
        if media == OPENAPI:
            accesses, names = await engine.access(schema, principal) if follows else (map(Access.whole, tables), None)
            routines = [routine for routine in routines if names is None or routine.name.name in names]
            return _openapi(settings, schema, principal, catalog, accesses, routines, catalog.comments.get(schema))
        if follows:
            seen, callable_ = await engine.visible(schema, principal)
            tables = [table for table in tables if table.name.name in seen]
            routines = [routine for routine in routines if routine.name.name in callable_]
        return _swagger(settings, catalog, tables, routines, catalog.comments.get(schema))

    rest = RestSurface(door, identify, settings, describe=describe)
    dispatcher: Dispatcher
    dispatcher = Dispatcher(
        {
            settings.rest.prefix: rest,
            **_docs(settings, rest),
            **ops_routes(lambda: dispatcher.serving, lambda: {"keys": []}),
        },
        steps=[Step("database", engine.start, engine.stop)],
        cors=Cors(settings.cors.origins),
        observe=observe,
    )
    return dispatcher


def _openapi(
    settings: Settings,
    schema: str,
    principal: Principal,
    catalog: Catalog,
    accesses: Iterable[Access],
    routines: Iterable[Routine],
    comment: str | None = None,
) -> bytes:
    from mainspring.surfaces.rest.openapi.document import About, openapi  # here: a start need not wait for it

    native = settings.database.auth_mode == "database"
    needed = not settings.database.anon_role if native else settings.auth.require_key
    server = settings.rest.openapi_server or settings.rest.prefix or "/"
    about = About(server, principal.role, version("mainspring"), comment, needed, native, settings.rest.schemas, schema)
    return openapi(catalog, accesses, routines, about)


def _swagger(
    settings: Settings, catalog: Catalog, tables: Iterable[Table], routines: Iterable[Routine], comment: str | None = None
) -> bytes:
    from mainspring.surfaces.rest.swagger import About, swagger  # here: a start need not wait for it

    about = About(settings.rest.openapi_server, settings.rest.openapi_security, comment, version("mainspring"))
    return swagger(catalog, tables, routines, about)


def _docs(settings: Settings, rest: RestSurface) -> Mapping[str, ASGIApp]:
    """The page about the API and what it reads."""
    return docs_routes("/docs", rest.openapi) if settings.rest.shows_docs else {}


def _exposed(settings: Settings) -> frozenset[str]:
    """The schemas requests may reach. Raises ConfigError for those of our own."""
    own = sorted(RESERVED_SCHEMAS.intersection(settings.rest.schemas))
    if own:
        raise ConfigError([Mistake("rest.schemas", f'the schema "{own[0]}" is Mainspring\'s own', "leave it out")])
    return frozenset(settings.rest.schemas)


def _limits(settings: Settings) -> Limits:
    return Limits(
        max_rows=settings.rest.max_rows or None,
        max_grouped=settings.rest.max_aggregated_rows or None,
        max_embed_depth=settings.rest.max_embed_depth,
        max_conditions=settings.rest.max_filter_nodes,
    )


@dataclass(frozen=True, slots=True)
class _People:
    """What is served where people can sign in."""

    routes: Mapping[str, ASGIApp] = field(default_factory=dict)
    steps: Sequence[Step] = ()
    identity: Identity | None = None


def _cookie(settings: Settings) -> SessionCookie | None:
    """The session cookie that browser apps may use, if any: those of this address, of the site, and of the origins named."""
    if not settings.auth.cookie:
        return None
    own = external_url(settings)
    addresses = (own, settings.auth.site_url or own, *settings.auth.cookie_origins)
    origins = frozenset("/".join(address.split("/")[:3]).encode() for address in addresses)
    return SessionCookie(settings.auth.cookie, origins, own.startswith("https://"))


def _people(
    settings: Settings,
    data: Path,
    own: Data,
    keys: KeySet,
    verifier: TokenVerifier,
    roles: Iterable[str],
    observe: Sink,
    declared: Declared,
    cookie: SessionCookie | None,
    catalog: Catalog,
) -> _People:
    """The auth surface on `own`, the door to our own tables; and the inbox, where mails are shown.

    `verifier`, whose tokens others ask with, is told what is revoked.
    """
    secret, locate = open_secret(data / "keys"), locator(settings.server.trusted_proxies)
    workers = settings.server.workers
    mailer = open_mailer(settings.mail, is_private(settings.server.host), data if workers > 1 else None)
    asks = others(settings)
    web = open_web(asks[0]) if asks else None
    sms = open_sms(settings.sms, mailer, web)
    functions = HookFunctions(declared.functions, settings.hooks.threads, settings.hooks.seconds)
    targets: dict[str, Target] = {**functions.targets(), **open_webhooks(settings.hooks, declared.functions, web)}
    hooks = WireHooks(targets, external_url(settings) + AUTH_PATH, observe)
    if isinstance(mailer, Nowhere) and not hooks.mails_set:
        observe(MailLost())
    if (settings.auth.phone or settings.auth.mfa_phone != "off") and isinstance(sms, NoSms) and not hooks.texts_set:
        observe(TextsLost())
    counters = open_far_counters(settings.counters, open_counters(workers, data), secret, observe)
    identity = open_identity(settings, own, keys, secret, verifier, mailer, sms, counters, observe, hooks, catalog)
    direct = TokenVerifier(keys, settings.auth, roles)  # the service itself looks up what has been revoked, and says why
    keys.tell(direct.forget)
    direct.issues(identity.scoped_keys.find)
    captcha = open_captcha(settings.captcha, web)
    surface = AuthSurface(identity, direct, settings.auth, keys.jwks, locate, captcha, cookie)
    routes: dict[str, ASGIApp] = {AUTH_PATH: surface, **well_known(surface, identity.oauth.issuer)}
    if isinstance(mailer, Inbox):
        routes[INBOX_PATH] = inbox(mailer, [urlsplit(external_url(settings)).hostname or ""])
    steps = [Step("other servers", stop=web.close)] if web is not None else []
    steps += [Step("hooks", stop=functions.stop), Step("identity", identity.start, identity.stop)]
    return _People(routes, steps, identity)


def _report_unreachable(registry: Registry, planner: Planner, observe: Sink) -> None:
    tables = [table for table in registry.unreachable(planner.catalog) if table.schema not in RESERVED_SCHEMAS]
    if tables:
        observe(TablesUnreachable(tuple(map(str, tables))))


async def _plant(seed: Seed, door: Data, created: set[TableName]) -> None:
    """Insert a seed's rows into the tables that were just created."""
    for model, rows in seed().items():
        name = table_of(model)
        if name not in created or not rows:
            continue
        columns = tuple(rows[0])
        if any(set(row) != set(columns) for row in rows):
            raise ConfigError([Mistake(f"seed of {name}", "its rows name different columns", "name the same in each")])
        await door.execute(Insert(name, columns, Slot(0)), [rows], SERVICE_PRINCIPAL)
