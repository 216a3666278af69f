"""Tokens of an existing project: where they name their role."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from mainspring.errors import ConfigError
from mainspring.services.identity.tokens.external import ExternalTokens
from mainspring.settings import AuthSettings, Secret

SECRET = "the secret of an existing project, as long as one needs"
CLAIMS = {
    "role": "plain",
    "https://shop.example/role": {"key": "quoted"},
    "app": {"roles": ["shop_viewer", 7, "app_editor", "app_admin", "night_shift"], "name": "app_editor"},
}


def role(path: str, claims: Any = CLAIMS) -> str:
    """The role that a token with these claims gives its bearer; "anon" where it names none."""
    tokens = ExternalTokens(AuthSettings(jwt_secret=Secret(SECRET), role_claim=path), "anon")
    token = jwt.encode({"exp": int(time.time()) + 60, **claims}, SECRET, algorithm="HS256")
    return tokens([(b"authorization", b"Bearer " + token.encode())]).role


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (".role", "plain"),
        ("$.role", "plain"),
        ('."https://shop.example/role".key', "quoted"),
        (".app.roles[0]", "shop_viewer"),
        (".app.roles[9]", "anon"),
        ('.app.roles[?(@ == "app_admin")]', "app_admin"),
        ('.app.roles[?(@ == "app")]', "anon"),
        ('.app.roles[?(@ != "shop_viewer")]', "app_editor"),
        ('.app.roles[?(@ ^== "app_")]', "app_editor"),
        ('.app.roles[?(@ ==^ "_admin")]', "app_admin"),
        ('.app.roles[?(@ *== "ght_sh")]', "night_shift"),
        ('.app.roles[?(@=="app_admin")]', "app_admin"),
        ('.app.name[?(@ == "app_editor")]', "anon"),
        ('.app.nothing[?(@ == "app_editor")]', "anon"),
        ('$.app["roles"][?(@ == "app_editor")]', "app_editor"),
    ],
)
def test_a_role_is_found_along_a_path(path: str, named: str) -> None:
    assert role(path) == named


@pytest.mark.parametrize(
    "path", ["role!", '.app.roles[?(@ > "a")]', ".app.roles[?(@ == app)]", '.app.roles[?(@ == "a")].name', ".app.roles[?]"]
)
def test_a_path_that_is_none_is_a_mistake_of_the_settings(path: str) -> None:
    with pytest.raises(ConfigError, match="role_claim"):
        role(path)
