"""Settings: where a value comes from, and what is said about a wrong one."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from mainspring.errors import ConfigError
from mainspring.settings import OPTIONS, SECTIONS, SHORT_FLAGS, Secret, Settings, load

TOML = """
[server]
port = 1
[database]
url = "sqlite:///file.db"
[cors]
origins = ["https://a.example", "https://b.example"]
"""


def mistakes(flags: dict[str, str] | None = None, environ: dict[str, str] | None = None, toml: str | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(flags or {}, environ or {}, toml)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_nothing_needs_to_be_set() -> None:
    assert load({}, {"PATH": "/bin"}) == Settings()


def test_flag_beats_environment_beats_file_beats_default() -> None:
    environ = {"MAINSPRING_SERVER__PORT": "2"}
    assert load({}, {}, TOML).server.port == 1
    assert load({}, environ, TOML).server.port == 2
    assert load({"--port": "3"}, environ, TOML).server.port == 3
    assert load({"--server-port": "4"}, environ, TOML).server.port == 4


def test_each_source_sets_its_own() -> None:
    settings = load({"--workers": "2"}, {"MAINSPRING_DATABASE__SYNCHRONOUS": "NORMAL"}, TOML)
    assert settings.server.workers == 2
    assert settings.database.synchronous == "NORMAL"
    assert settings.database.url == "sqlite:///file.db"
    assert settings.cors.origins == ("https://a.example", "https://b.example")


def test_all_mistakes_are_told_at_once_each_with_its_source() -> None:
    found = mistakes(
        flags={"--port": "http", "--hots": "x"},
        environ={"MAINSPRING_SERVER__WORKER": "2", "MAINSPRING_AUTH__JWT_SECRET": "short"},
        toml="[servre]\nport = 1\n[rest]\nmax_row = 5\nmax_rows = -1\n",
    )
    assert found == [
        "mainspring.toml: servre: there is no such section (did you mean server?)",
        "mainspring.toml: rest.max_row: there is no such setting (did you mean max_rows?)",
        "mainspring.toml: rest.max_rows: -1 is too small, the least is 0",
        "MAINSPRING_SERVER__WORKER: there is no such setting (did you mean MAINSPRING_SERVER__WORKERS?)",
        '--port: "http" is not a whole number',
        "--hots: there is no such flag (did you mean --host?)",
        "MAINSPRING_AUTH__JWT_SECRET: has 5 characters, HS256 needs at least 32",
    ]


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("[server", "is not valid TOML"),
        ("server = 1", "is a section"),
        ('[server]\nport = "x"', "is not a whole number"),
        ("[server]\nport = true", "is not a whole number"),
        ("[server]\nport = 70000", "is too large, the most is 65535"),
        ("[server]\nhost = 5", "must be text"),
        ("[server]\nshutdown_seconds = nan", "is too large"),
        ('[server]\nlog_level = "loud"', "is not one of debug, info, warning, error"),
        ("[cors]\norigins = []", "must name at least one"),
        ('[server]\nreload = "perhaps"', "is neither true nor false"),
    ],
)
def test_a_wrong_value_is_explained(toml: str, problem: str) -> None:
    (found,) = mistakes(toml=toml)
    assert found.startswith("mainspring.toml")
    assert problem in found


def test_hs256_needs_its_secret() -> None:
    (found,) = mistakes(environ={"MAINSPRING_AUTH__JWT_ALGORITHM": "HS256"})
    assert found == "MAINSPRING_AUTH__JWT_ALGORITHM: is HS256, but auth.jwt_secret is not set"


def test_what_the_tests_read_is_no_mistake() -> None:
    assert load({}, {"MAINSPRING_TEST_CASES": "100"}) == Settings()


def test_secrets_do_not_show() -> None:
    secret = "s" * 40
    settings = load(
        {"--database": "postgresql://me:hush@db/x"},
        {"MAINSPRING_AUTH__JWT_SECRET": secret, "MAINSPRING_DATABASE__KEY": "hush"},
    )
    assert settings.auth.jwt_secret.reveal() == secret
    assert secret not in repr(settings)
    assert "hush" not in f"{settings} {settings.database.key}"


def test_a_secret_has_no_flag() -> None:
    assert OPTIONS["auth.jwt_secret"].flag is None
    assert "--auth-jwt-secret: there is no such flag" in mistakes(flags={"--auth-jwt-secret": "x" * 40})[0]


def test_every_section_is_in_the_tree_and_every_short_flag_means_a_setting() -> None:
    assert list(SECTIONS) == [spec.name for spec in dataclasses.fields(Settings)]
    assert set(SHORT_FLAGS.values()) <= OPTIONS.keys()


@pytest.mark.parametrize("key", OPTIONS)
def test_every_setting_is_documented_and_its_default_is_allowed(key: str) -> None:
    opt = OPTIONS[key]
    assert opt.doc
    default = opt.default.reveal() if isinstance(opt.default, Secret) else opt.default
    if default != "":
        text = ",".join(default) if isinstance(default, tuple) else str(default)
        load({}, {opt.env: text})


def test_a_family_has_members_by_name() -> None:
    toml = '[auth.providers.google]\nclient_id = "a"\nscopes = ["x", "y"]\n[auth.providers.slack_oidc]\nclient_id = "b"\n'
    settings = load({}, {"MAINSPRING_AUTH__PROVIDERS__SLACK_OIDC__CLIENT_SECRET": "hush-hush"}, toml)
    providers = settings.auth.providers
    assert list(providers) == ["google", "slack_oidc"]
    assert (providers["google"].client_id, providers["google"].scopes) == ("a", ("x", "y"))
    assert providers["slack_oidc"].client_secret.reveal() == "hush-hush"
    assert "hush-hush" not in repr(settings)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ({"toml": "[auth.providers.google]\nclient_ident = 1"}, "auth.providers.google.client_ident: there is no such setting"),
        ({"toml": '[auth.providers]\ngoogle = "x"'}, "write [auth.providers.name] and its settings below"),
        ({"toml": "[auth]\nproviders = 1"}, "write [auth.providers.name] and its settings below"),
        ({"toml": "[auth.providers.google]\nenabled = 3"}, "neither true nor false"),
        ({"environ": {"MAINSPRING_AUTH__PROVIDERS__GOOGLE__CLIENT": "x"}}, "there is no such setting"),
        ({"environ": {"MAINSPRING_AUTH__PROVIDERS__GOOGLE": "x"}}, "there is no such setting"),
    ],
)
def test_mistakes_in_a_family(source: dict[str, Any], problem: str) -> None:
    assert problem in " ".join(mistakes(**source))
