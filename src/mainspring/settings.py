"""One Settings tree: every knob, its default, its bounds, and where its value was said.

Pure: `load` takes texts and mappings and does no I/O. Names what the user wrote, never what uses it.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Final, TypeVar

from mainspring.errors import ConfigError, Mistake

T = TypeVar("T")

ENV_PREFIX: Final = "MAINSPRING_"
TEST_ENV_PREFIX: Final = "MAINSPRING_TEST_"  # read by the test suite, never by the server
TOML_NAME: Final = "mainspring.toml"
SHORT_FLAGS: Final[Mapping[str, str]] = {
    "--host": "server.host",
    "--port": "server.port",
    "--workers": "server.workers",
    "--data": "server.data",
    "--reload": "server.reload",
    "--database": "database.url",
    "--open-read": "database.open_read",
}


_COOKIE_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,100}\Z")


class Secret:
    """A text that never shows itself: not in repr, str, a log line or a traceback."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself; call it where the secret is used, and nowhere else."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __repr__(self) -> str:
        return "Secret('***')" if self._text else "Secret('')"


def option(
    default: T,
    doc: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    hidden: bool = False,
) -> T:
    """A dataclass field that carries its documentation and its bounds; `hidden` keeps it out of repr."""
    metadata = {"doc": doc, "minimum": minimum, "maximum": maximum, "choices": choices}
    made: Any = field(default=default, repr=not hidden, metadata=metadata)
    return made  # type: ignore[no-any-return]  # a Field stands for its value, as dataclasses.field itself says


def family(doc: str) -> Any:
    """A dataclass field that holds sections of one kind by their names; `FAMILIES` says of which kind."""
    return field(default_factory=dict, hash=False, metadata={"family": doc})


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the server listens, where it keeps its files, how it logs and stops."""

    host: str = option("127.0.0.1", "address to listen on")
    port: int = option(8000, "port to listen on", minimum=1, maximum=65535)
    workers: int = option(1, "worker processes", minimum=1, maximum=256)
    data: str = option("data", "folder for keys and the SQLite database")
    reload: bool = option(False, "restart when a .py file in the app's folder changes")
    log_level: str = option("info", "least severe event to log", choices=("debug", "info", "warning", "error"))
    log_format: str = option("text", "form of a log line", choices=("text", "json"))
    trusted_proxies: tuple[str, ...] = option((), "addresses or networks of proxies whose X-Forwarded-For is believed", minimum=0)
    shutdown_seconds: float = option(10.0, "how long running requests may take once stopping", minimum=0, maximum=600)


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Which database, and how much of it one request may take."""

    url: str = option("", "sqlite:///path or postgresql://...; empty: SQLite in the data folder", hidden=True)
    key: Secret = option(Secret(), "encrypts a SQLite file as a whole (extra: encryption)")
    read_threads: int = option(4, "threads for long SQLite reads", minimum=1, maximum=64)
    pool_size: int = option(10, "most connections to PostgreSQL per worker", minimum=1, maximum=1000)
    statement_timeout_seconds: float = option(8.0, "longest a statement may run", minimum=0.05, maximum=3600)
    step_budget_ms: float = option(1.5, "longest a SQLite read may hold the event loop", minimum=0, maximum=1000)
    auth_mode: str = option(
        "app",
        "who authorises: the app's policies, or the roles and row security of a PostgreSQL database",
        choices=("app", "database"),
    )
    anon_role: str = option("anon", "database mode: the role of a caller without a token; empty: a token is needed")
    pre_request: str = option("", "database mode: a function, schema.name, that runs before every request")
    extra_search_path: tuple[str, ...] = option(
        ("public", "extensions"), "database mode: schemas searched after the first", minimum=0
    )
    app_settings: tuple[str, ...] = option((), "database mode: settings name=value made known to every transaction")
    hoisted_settings: tuple[str, ...] = option(
        ("statement_timeout", "plan_filter.statement_cost_limit", "default_transaction_isolation"),
        "database mode: settings of a function that hold for the whole transaction that calls it",
    )
    prepared_statements: bool = option(True, "prepare statements; off for poolers that hand out connections per transaction")
    channel: str = option("pgrst", "database mode: a NOTIFY here reloads what is known of the schema; empty: none")
    tx_end: str = option(
        "commit",
        "how transactions end, and whether Prefer: tx may say otherwise",
        choices=("commit", "commit-allow-override", "rollback", "rollback-allow-override"),
    )
    open_read: bool = option(False, "without an app: anyone may read every table of the database, for a look around")
    search_config: str = option("english", "text search configuration where a request names none")
    synchronous: str = option("FULL", "SQLite durability of an acknowledged write", choices=("FULL", "NORMAL"))


MFA: Final = ("on", "verify", "off")


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Where people have an account with which they sign in here."""

    enabled: bool = option(True, "people may sign in with it")
    client_id: str = option("", "what the provider calls this application")
    client_secret: Secret = option(Secret(), "what this application proves itself with")
    client_ids: tuple[str, ...] = option((), "further applications whose ID tokens are accepted", minimum=0)
    scopes: tuple[str, ...] = option((), "scopes asked for besides the usual ones", minimum=0)
    url: str = option("", "where it runs, if not in its usual place (a GitLab, GitHub Enterprise, Keycloak realm, Azure tenant)")
    issuer: str = option("", "OpenID Connect: its issuer; addresses that are not set are found there")
    authorization_url: str = option("", "where people are sent")
    token_url: str = option("", "where codes become tokens")
    userinfo_url: str = option("", "where it says who somebody is")
    jwks_url: str = option("", "where its public keys are")
    email_optional: bool = option(False, "people without an e-mail address may sign in")
    trust_email: bool = option(False, "believe that it has confirmed every address, where it does not say so")
    skip_nonce_check: bool = option(False, "accept ID tokens with whatever nonce from programs")
    team_id: str = option("", "Apple: the team")
    key_id: str = option("", "Apple: the key with which client secrets are signed")
    private_key: Secret = option(Secret(), "Apple: that key, in PEM form; client_secret is not needed then")


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """How tokens are signed and checked."""

    jwt_secret: Secret = option(Secret(), "shared HS256 secret of an existing project, at least 32 characters")
    jwt_algorithm: str = option(
        "auto",
        "signs new tokens; auto: HS256 where jwt_secret is set, else ES256",
        choices=("auto", "ES256", "RS256", "HS256"),
    )
    key_overlap_seconds: int = option(
        900, "how long a new signing key is published before it signs", minimum=0, maximum=2_592_000
    )
    jwks: Secret = option(Secret(), "public keys of tokens signed elsewhere: a JWK or a JWK set")
    jwt_secret_is_base64: bool = option(False, "jwt_secret is written in base64")
    role_claim: str = option(
        ".role", 'where a token names its role: a path such as .app_metadata.role, .roles[0] or .roles[?(@ == "editor")]'
    )
    audience: str = option("authenticated", "what a token's aud, where it has one, must name")
    issuer: str = option("mainspring", "iss of the tokens signed here")
    require_key: bool = option(False, "refuse requests without any key instead of treating them as anon")
    leeway_seconds: int = option(30, "clock difference tolerated in exp, nbf and iat", minimum=0, maximum=300)
    token_cache_size: int = option(10_000, "verified tokens remembered per worker", minimum=2, maximum=10_000_000)
    enabled: bool = option(True, "serve /auth/v1: people can sign up and in (app mode)")
    external_url: str = option("", "public address of this server, for links in mails; empty: where it listens")
    site_url: str = option("", "where people are sent after following a link; empty: external_url")
    redirect_urls: tuple[str, ...] = option((), "other addresses people may be sent to; * is a part, ** several", minimum=0)
    signup: bool = option(True, "new people may sign up")
    email: bool = option(True, "people may sign up by e-mail")
    anonymous: bool = option(False, "people may sign in without saying who they are")
    autoconfirm: bool = option(False, "e-mail addresses need not be confirmed")
    phone: bool = option(False, "people may sign up by phone")
    phone_autoconfirm: bool = option(False, "phone numbers need not be confirmed")
    secure_email_change: bool = option(True, "a change of the e-mail address is confirmed at the old address too")
    token_seconds: int = option(3600, "lifetime of an access token", minimum=30, maximum=604_800)
    refresh_reuse_seconds: int = option(10, "how long a used refresh token is still answered", minimum=0, maximum=600)
    session_seconds: int = option(0, "longest a session may last; 0: no bound", minimum=0)
    session_idle_seconds: int = option(0, "longest a session may rest without being refreshed; 0: no bound", minimum=0)
    single_session: bool = option(False, "signing in ends a user's other sessions")
    revocation_seconds: float = option(2.0, "until every worker refuses the tokens of an ended session", minimum=0.1, maximum=60)
    password_min_length: int = option(8, "fewest characters of a password", minimum=1, maximum=72)
    password_characters: str = option(
        "",
        "characters that a password must have",
        choices=("", "letters_digits", "lower_upper_letters_digits", "lower_upper_letters_digits_symbols"),
    )
    breached_passwords: str = option(
        "", "file of the SHA-1 hashes of known passwords in ascending order, one a line, as Have I Been Pwned offers them"
    )
    password_words: tuple[str, ...] = option(
        (), "words (names of yours) that do not count towards password_min_length in a password", minimum=0
    )
    password_threads: int = option(
        0, "threads that hash passwords, per worker; 0: as many as half of the processors", minimum=0, maximum=64
    )
    password_queue: int = option(64, "passwords that may wait to be hashed before 429 is answered", minimum=1, maximum=10_000)
    password_memory_kib: int = option(19_456, "argon2id: memory", minimum=8, maximum=4_194_304)
    password_iterations: int = option(2, "argon2id: passes", minimum=1, maximum=100)
    password_parallelism: int = option(1, "argon2id: lanes", minimum=1, maximum=16)
    password_reauthentication: bool = option(False, "a password is changed with a code by mail, unless just signed in")
    password_current: bool = option(False, "a password is changed only by who knows the current one")
    even_seconds: float = option(
        0.25, "sign-ups and codes are answered at multiples of this, so that no time tells who is known", minimum=0, maximum=5
    )
    code_length: int = option(6, "digits of a code in a mail", minimum=6, maximum=10)
    code_seconds: int = option(3600, "lifetime of a code or link in a mail", minimum=30, maximum=86_400)
    cookie: str = option(
        "", "cookie of browser apps of this site that counts as the bearer, as @supabase/ssr writes it; empty: none"
    )
    cookie_origins: tuple[str, ...] = option(
        (), "cookie: other origins whose pages may use it, as in https://app.example.com", minimum=0
    )
    oauth_server: bool = option(False, "people may sign in to other programs with their account here (OAuth 2.1, OpenID Connect)")
    oauth_path: str = option(
        "", "oauth_server: your page below site_url where people say what a program may; empty: a plain one of ours"
    )
    oauth_registration: bool = option(False, "oauth_server: programs may register themselves")
    rate_token: int = option(150, "requests for tokens in 5 minutes from one address; 0: no bound", minimum=0)
    rate_verify: int = option(30, "codes and links tried in 5 minutes from one address; 0: no bound", minimum=0)
    rate_send: int = option(30, "requests for mails of a kind in 5 minutes from one address; 0: no bound", minimum=0)
    rate_anonymous: int = option(30, "anonymous sign-ups in an hour from one address; 0: no bound", minimum=0)
    mfa_totp: str = option("on", "authenticator apps as second factors; verify: those there are, no new ones", choices=MFA)
    mfa_phone: str = option("off", "codes by SMS as second factors", choices=MFA)
    mfa_webauthn: str = option("on", "keys and devices as second factors (with the extra passkeys)", choices=MFA)
    factors_max: int = option(10, "most second factors, and most passkeys, of one person", minimum=1, maximum=100)
    passkeys: bool = option(True, "people may sign in with passkeys (with the extra passkeys)")
    webauthn_rp_id: str = option("", "domain that passkeys belong to; empty: that of site_url")
    webauthn_rp_name: str = option("", "name that people see with their passkeys; empty: the domain")
    webauthn_origins: tuple[str, ...] = option((), "origins of the pages that use passkeys; empty: that of site_url", minimum=0)
    session_low_aal_seconds: int = option(
        0, "longest a session goes on whose person has a second factor and has not proved it; 0: no bound", minimum=0
    )
    rate_factors: int = option(30, "challenges and codes of factors in 2 minutes from one address; 0: no bound", minimum=0)
    rate_guesses: int = option(10, "guesses at an account in 5 minutes from one address; 0: no bound", minimum=0)
    manual_linking: bool = option(False, "people may add accounts elsewhere to their own, and take them off")
    web3_ethereum: bool = option(False, "people may sign in with a message that their Ethereum wallet signs (extra: web3)")
    web3_solana: bool = option(False, "people may sign in with a message that their Solana wallet signs")
    web3_seconds: int = option(600, "how long a message that a wallet has signed holds", minimum=10, maximum=86_400)
    provider_same_browser: bool = option(True, "a sign-in through a provider ends in the browser in which it began")
    saml: bool = option(False, "companies may sign in their people, SAML 2.0 (extra: saml)")
    saml_encryption: bool = option(False, "companies may encrypt what they say of people; the key for it is in our metadata")
    saml_unasked: bool = option(False, "companies may send people who have not begun here, which nothing binds to a browser")
    custom_providers: int = option(50, "most providers that the service key may add", minimum=0, maximum=1000)
    custom_providers_private: bool = option(False, "providers that the service key adds may be at private addresses")
    providers: Mapping[str, ProviderSettings] = family("accounts elsewhere with which people sign in")


@dataclass(frozen=True, slots=True)
class MailSettings:
    """How mails leave."""

    url: Secret = option(Secret(), "smtp://user:password@host:587 (smtps:// for TLS from the start); empty: the inbox at /_inbox")
    sender: str = option("Mainspring <noreply@localhost>", "who mails come from")
    templates: str = option("", "folder of your own templates of mails and texts, read anew when they change")
    inbox: str = option(
        "auto",
        "show mails at /_inbox instead of sending them; auto: without mail.url, where only this machine can connect",
        choices=("auto", "on", "off"),
    )
    interval_seconds: int = option(60, "between two mails of a kind to the same address", minimum=0, maximum=86_400)
    rate_hour: int = option(30, "most mails in an hour through SMTP; 0: no bound", minimum=0)


@dataclass(frozen=True, slots=True)
class SmsSettings:
    """How text messages leave."""

    provider: str = option(
        "",
        "what carries texts: twilio, webhook (a signed POST to sms.url); empty: the inbox at /_inbox",
        choices=("", "twilio", "webhook"),
    )
    url: str = option("", "webhook: where texts are posted; twilio: another address than its own")
    account: str = option("", "twilio: the account's SID")
    secret: Secret = option(Secret(), "twilio: the account's token; webhook: v1,whsec_... that signs the posts")
    sender: str = option("", "twilio: the number or the messaging service that texts come from")
    code_length: int = option(6, "digits of a code in a text", minimum=6, maximum=10)
    code_seconds: int = option(60, "lifetime of a code in a text", minimum=10, maximum=86_400)
    interval_seconds: int = option(60, "between two texts to the same number", minimum=0, maximum=86_400)
    rate_hour: int = option(30, "most texts in an hour through the provider; 0: no bound", minimum=0)
    test_codes: tuple[str, ...] = option((), "numbers that get no text and a code known beforehand: 4670123=123456", minimum=0)


@dataclass(frozen=True, slots=True)
class HookSettings:
    """Addresses that are asked about what people do, by signed requests; functions of the app are named with @app.auth_hook.

    Several secrets, so that one can take the place of another, stand between bars.
    """

    seconds: float = option(5.0, "longest a hook may take", minimum=0.1, maximum=60)
    threads: int = option(4, "threads for hooks of the app that are not async", minimum=1, maximum=64)
    before_user_created: str = option("", "may refuse a new user: an https address")
    before_user_created_secrets: Secret = option(Secret(), "signs what is posted there: v1,whsec_...")
    after_user_created: str = option("", "is told of a new user: an https address")
    after_user_created_secrets: Secret = option(Secret(), "signs what is posted there: v1,whsec_...")
    custom_access_token: str = option("", "says what an access token claims: an https address")
    custom_access_token_secrets: Secret = option(Secret(), "signs what is posted there: v1,whsec_...")
    send_email: str = option("", "sends mails in our place: an https address")
    send_email_secrets: Secret = option(Secret(), "signs what is posted there: v1,whsec_...")
    send_sms: str = option("", "sends texts in our place: an https address")
    send_sms_secrets: Secret = option(Secret(), "signs what is posted there: v1,whsec_...")
    password_verification_attempt: str = option("", "is told of every try of a password, and may refuse more: an https address")
    password_verification_attempt_secrets: Secret = option(
        Secret(), "signs what is posted there: v1,whsec_..., | between several"
    )
    mfa_verification_attempt: str = option("", "is told of every try of a second factor, and may refuse more: an https address")
    mfa_verification_attempt_secrets: Secret = option(Secret(), "signs what is posted there: v1,whsec_...")


@dataclass(frozen=True, slots=True)
class CaptchaSettings:
    """Who tells people from programs at sign-up, sign-in and whatever sends messages."""

    provider: str = option("", "whose captcha your pages show; empty: none", choices=("", "hcaptcha", "turnstile"))
    secret: Secret = option(Secret(), "the secret that goes with your site key there")
    url: str = option("", "another address to verify at than the provider's own")


@dataclass(frozen=True, slots=True)
class CountersSettings:
    """Where it is counted how often somebody has tried something."""

    url: Secret = option(Secret(), "redis://user:password@host:6379/0, for all machines; empty: each by itself (extra: redis)")
    pool_size: int = option(10, "most connections to Redis per worker", minimum=1, maximum=1000)
    timeout_seconds: float = option(
        0.5, "longest to wait for Redis; then each machine counts by itself", minimum=0.01, maximum=10
    )


@dataclass(frozen=True, slots=True)
class RestSettings:
    """Bounds of one request to the data API."""

    function_threads: int = option(8, "threads for functions that are not async", minimum=1, maximum=256)
    function_seconds: float = option(30.0, "longest a function may run", minimum=0.01, maximum=3600)
    prefix: str = option("/rest/v1", "path below which the data API is served; empty: everywhere")
    max_rows: int = option(1000, "most rows in one answer; 0: no bound", minimum=0, maximum=10_000_000)
    max_body_bytes: int = option(10_485_760, "largest request body", minimum=1024, maximum=1_073_741_824)
    max_url_bytes: int = option(16_384, "longest path and query", minimum=256, maximum=1_048_576)
    max_embed_depth: int = option(8, "deepest nesting of embedded resources", minimum=0, maximum=32)
    max_filter_nodes: int = option(256, "most conditions in one request", minimum=1, maximum=10_000)
    max_json_depth: int = option(64, "deepest nesting of a JSON value", minimum=1, maximum=512)
    schemas: tuple[str, ...] = option(("public",), "schemas served; the first is the default")
    aggregates: bool = option(True, "aggregate functions in select")
    max_aggregated_rows: int = option(
        1_000_000,
        "most rows that one request may aggregate or look through for distinct ones, and as many in its embeds; 0: no bound",
        minimum=0,
    )
    plan_enabled: bool = option(False, "answer application/vnd.pgrst.plan with the database's execution plan")
    openapi_mode: str = option(
        "follow-privileges",
        "what the API description at the root names",
        choices=("follow-privileges", "ignore-privileges", "disabled"),
    )
    openapi_security: bool = option(False, "name the bearer token in the API description")
    openapi_server: str = option("", "public address of the API, where a proxy stands before it")
    docs: bool = option(True, "serve a page about the API at /docs (not where prefix is empty or the description is disabled)")
    root_function: str = option("", "database mode: a function, schema.name, that answers the root")
    server_timing: bool = option(False, "answer with a Server-Timing header")
    trace_header: str = option("", "request header that is sent back with the answer")
    error_verbosity: str = option("verbose", "minimal errors tell code and message only", choices=("verbose", "minimal"))
    legacy_target_names: bool = option(True, "an embed with an alias can still be filtered by its target's name")

    @property
    def shows_docs(self) -> bool:
        """Whether there is a page about the API. Where that is served everywhere, every path may be a table's."""
        return self.docs and bool(self.prefix) and self.openapi_mode != "disabled"


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Entries kept in the two caches on the read path."""

    shapes: int = option(2048, "request shapes kept parsed", minimum=1, maximum=1_000_000)
    statements: int = option(1024, "statements kept compiled", minimum=1, maximum=1_000_000)


@dataclass(frozen=True, slots=True)
class CorsSettings:
    """Which web pages may call."""

    origins: tuple[str, ...] = option(("*",), "origins allowed to call from a browser; * allows all")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set."""

    server: ServerSettings = ServerSettings()
    database: DatabaseSettings = DatabaseSettings()
    auth: AuthSettings = AuthSettings()
    mail: MailSettings = MailSettings()
    sms: SmsSettings = SmsSettings()
    hooks: HookSettings = HookSettings()
    captcha: CaptchaSettings = CaptchaSettings()
    counters: CountersSettings = CountersSettings()
    rest: RestSettings = RestSettings()
    cache: CacheSettings = CacheSettings()
    cors: CorsSettings = CorsSettings()


SECTIONS: Final[Mapping[str, type[Any]]] = {
    "server": ServerSettings,
    "database": DatabaseSettings,
    "auth": AuthSettings,
    "mail": MailSettings,
    "sms": SmsSettings,
    "hooks": HookSettings,
    "captcha": CaptchaSettings,
    "counters": CountersSettings,
    "rest": RestSettings,
    "cache": CacheSettings,
    "cors": CorsSettings,
}


FAMILIES: Final[Mapping[str, type[Any]]] = {"auth.providers": ProviderSettings}
_MEMBER: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")


@dataclass(frozen=True, slots=True)
class Option:
    """One setting as the outside sees it."""

    section: str
    name: str
    default: Any
    doc: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.section}.{self.name}"

    @property
    def env(self) -> str:
        return f"{ENV_PREFIX}{self.key}".replace(".", "__").upper()

    @property
    def flag(self) -> str | None:
        """The long flag; none for a secret, which every process on the machine could read there, nor in a family."""
        if isinstance(self.default, Secret) or "." in self.section:
            return None
        return f"--{self.key}".replace(".", "-").replace("_", "-")


def options() -> Iterator[Option]:
    """Every setting, in the order of the tree."""
    for section, cls in SECTIONS.items():
        for spec in fields(cls):
            if "family" not in spec.metadata:
                yield _option(section, spec)


def members(family: str, member: str) -> dict[str, Option]:
    """The settings of one member of a family, by their names."""
    return {spec.name: _option(f"{family}.{member}", spec) for spec in fields(FAMILIES[family])}


def _option(section: str, spec: Field[Any]) -> Option:
    assert spec.default is not MISSING
    return Option(section, spec.name, spec.default, **spec.metadata)


OPTIONS: Final[Mapping[str, Option]] = {opt.key: opt for opt in options()}
_BY_ENV: Final = {opt.env: opt for opt in OPTIONS.values()}
_BY_FLAG: Final = {opt.flag: opt for opt in OPTIONS.values() if opt.flag} | {
    flag: OPTIONS[key] for flag, key in SHORT_FLAGS.items()
}


# ---------------------------------------------------------------- loading


def load(flags: Mapping[str, str], environ: Mapping[str, str], toml: str | None = None, toml_name: str = TOML_NAME) -> Settings:
    """The settings from all sources: a flag beats the environment beats the file beats the default.

    Takes `flags` as {"--port": "8000"}, the whole environment, and the text of the settings file.
    Raises ConfigError with every mistake in every source, those that a stronger source overrides included.
    """
    mistakes: list[Mistake] = []
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    weakest_first = (
        _from_toml(toml, toml_name, mistakes),
        _from_environ(environ, mistakes),
        _from_flags(flags, mistakes),
    )
    for source in weakest_first:
        for opt, name, raw in source:
            try:
                values[opt.key], origin[opt.key] = _read(opt, raw), name
            except ValueError as error:
                mistakes.append(Mistake(name, str(error)))
    mistakes.extend(_contradictions(values, origin))
    if mistakes:
        raise ConfigError(mistakes)
    return _build(values)


def _build(values: Mapping[str, Any]) -> Settings:
    said: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    families: dict[str, dict[str, dict[str, Any]]] = {family: {} for family in FAMILIES}
    for key, value in values.items():
        where, _, name = key.rpartition(".")
        family, _, member = where.rpartition(".")
        (families[family].setdefault(member, {}) if family else said[where])[name] = value
    for family, found in families.items():
        section, _, name = family.partition(".")
        said[section][name] = {member: FAMILIES[family](**given) for member, given in found.items()}
    return Settings(**{section: cls(**said[section]) for section, cls in SECTIONS.items()})


_Found = Iterator[tuple[Option, str, Any]]


def _from_flags(flags: Mapping[str, str], mistakes: list[Mistake]) -> _Found:
    for flag, raw in flags.items():
        opt = _BY_FLAG.get(flag)
        if opt is None:
            mistakes.append(Mistake(flag, "there is no such flag", _suggest(flag, list(_BY_FLAG))))
        else:
            yield opt, flag, raw


def _from_environ(environ: Mapping[str, str], mistakes: list[Mistake]) -> _Found:
    for name in sorted(environ):
        if not name.startswith(ENV_PREFIX) or name.startswith(TEST_ENV_PREFIX):
            continue
        opt = _BY_ENV.get(name) or _in_family(name.removeprefix(ENV_PREFIX).lower().split("__"))
        if opt is None:
            mistakes.append(Mistake(name, "there is no such setting", _suggest(name, list(_BY_ENV))))
        else:
            yield opt, name, environ[name]


def _in_family(parts: list[str]) -> Option | None:
    """The setting of a family's member that these parts name."""
    if len(parts) != 4 or ".".join(parts[:2]) not in FAMILIES or not _MEMBER.match(parts[2]):
        return None
    return members(".".join(parts[:2]), parts[2]).get(parts[3])


def _from_toml(text: str | None, file: str, mistakes: list[Mistake]) -> _Found:
    try:
        tree = tomllib.loads(text or "")
    except tomllib.TOMLDecodeError as error:
        mistakes.append(Mistake(file, f"is not valid TOML: {error}"))
        return
    for section, body in tree.items():
        if section not in SECTIONS:
            mistakes.append(Mistake(f"{file}: {section}", "there is no such section", _suggest(section, list(SECTIONS))))
        elif not isinstance(body, dict):
            mistakes.append(Mistake(f"{file}: {section}", f"is a section: write [{section}] and its settings below"))
        else:
            yield from _from_section(section, body, file, mistakes)


def _from_section(section: str, body: Mapping[str, Any], file: str, mistakes: list[Mistake]) -> _Found:
    names = [opt.name for opt in OPTIONS.values() if opt.section == section]
    for name, raw in body.items():
        source = f"{file}: {section}.{name}"
        if f"{section}.{name}" in FAMILIES:
            yield from _from_family(f"{section}.{name}", raw, file, mistakes)
        elif name not in names:
            mistakes.append(Mistake(source, "there is no such setting", _suggest(name, names)))
        else:
            yield OPTIONS[f"{section}.{name}"], source, raw


def _from_family(family: str, body: Any, file: str, mistakes: list[Mistake]) -> _Found:
    for member, given in body.items() if isinstance(body, dict) else [("NAME", None)]:
        where = f"{family}.{member}"
        if not isinstance(given, dict) or not _MEMBER.match(member):
            mistakes.append(Mistake(f"{file}: {where}", f"is a section: write [{family}.name] and its settings below"))
            continue
        known = members(family, member)
        for name, raw in given.items():
            if name not in known:
                hint = _suggest(name, list(known))
                mistakes.append(Mistake(f"{file}: {where}.{name}", "there is no such setting", hint))
            else:
                yield known[name], f"{file}: {where}.{name}", raw


def _suggest(name: str, known: Sequence[str]) -> str | None:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else None


# ---------------------------------------------------------------- reading one value


def _read(opt: Option, raw: Any) -> Any:
    """The value of `opt` from `raw`: text from a flag or the environment, a typed value from the file."""
    value = _PARSERS[type(opt.default)](raw)
    if isinstance(value, tuple):
        if len(value) < (opt.minimum if opt.minimum is not None else bool(opt.default)):
            raise ValueError("must name at least one")
        return value
    if opt.choices and value not in opt.choices:
        allowed = ", ".join(opt.choices)
        raise ValueError(f'"{value}" is not one of {allowed}')
    if opt.minimum is not None and value < opt.minimum:
        raise ValueError(f"{value} is too small, the least is {opt.minimum:g}")
    if opt.maximum is not None and not value <= opt.maximum:
        raise ValueError(f"{value} is too large, the most is {opt.maximum:g}")
    return value


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError(f"must be text in quotes, not {type(raw).__name__}")
    if "\0" in raw:
        raise ValueError("must not contain a NUL character")
    return raw


def _whole(raw: Any) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    try:
        return int(_text(raw))
    except ValueError:
        raise ValueError(f'"{raw}" is not a whole number') from None


def _number(raw: Any) -> float:
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return float(raw)
    try:
        return float(_text(raw))
    except ValueError:
        raise ValueError(f'"{raw}" is not a number') from None


_TRUTH: Final = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


def _truth(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    found = _TRUTH.get(raw.lower()) if isinstance(raw, str) else None
    if found is None:
        raise ValueError(f'"{raw}" is neither true nor false')
    return found


def _texts(raw: Any) -> tuple[str, ...]:
    parts = [_text(part) for part in raw] if isinstance(raw, list) else _text(raw).split(",")
    return tuple(part.strip() for part in parts if part.strip())


def _secret(raw: Any) -> Secret:
    return Secret(_text(raw))


_PARSERS: Final[Mapping[type, Callable[[Any], Any]]] = {
    str: _text,
    int: _whole,
    float: _number,
    bool: _truth,
    tuple: _texts,
    Secret: _secret,
}


def _contradictions(values: Mapping[str, Any], origin: Mapping[str, str]) -> Iterator[Mistake]:
    secret = values.get("auth.jwt_secret", Secret())
    if secret and len(secret.reveal()) < 32 and values.get("database.auth_mode") != "database":
        yield Mistake(origin["auth.jwt_secret"], f"has {len(secret.reveal())} characters, HS256 needs at least 32")
    if values.get("auth.cookie") and not _COOKIE_NAME.match(values["auth.cookie"]):
        yield Mistake(origin["auth.cookie"], "is no name of a cookie: letters, digits, - and _")
    if values.get("auth.jwt_algorithm") == "HS256" and not secret:
        yield Mistake(origin["auth.jwt_algorithm"], "is HS256, but auth.jwt_secret is not set")
