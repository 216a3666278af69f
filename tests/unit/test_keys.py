"""The keys in the data folder: made once, private, the same for everybody who looks."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import jwt
import pytest

from mainspring.errors import ConfigError
from mainspring.observe import KeysCreated, Observation
from mainspring.services.identity.keys.api_keys import ApiKeys, open_api_keys
from mainspring.services.identity.keys.keys import KeySet, open_keys
from mainspring.settings import AuthSettings, Secret

SECRET = AuthSettings(jwt_secret=Secret("0123456789abcdef0123456789abcdef"))
PROGRAM = """
import sys
from pathlib import Path
from mainspring.services.identity.keys.api_keys import open_api_keys
from mainspring.services.identity.keys.keys import open_keys
from mainspring.settings import AuthSettings
sys.stdin.readline()
keys = open_keys(Path(sys.argv[1]), AuthSettings())
api = open_api_keys(Path(sys.argv[1]), keys)
print(keys.kid, api.anon, api.service.reveal(), api.publishable, api.private.reveal())
"""


def both(folder: Path, auth: AuthSettings | None = None) -> tuple[KeySet, ApiKeys]:
    keys = open_keys(folder, auth or AuthSettings())
    return keys, open_api_keys(folder, keys)


def test_keys_are_made_once(tmp_path: Path) -> None:
    seen: list[Observation] = []
    first = open_keys(tmp_path / "keys", AuthSettings(), seen.append)
    again = open_keys(tmp_path / "keys", AuthSettings(), seen.append)
    assert first.kid == again.kid
    assert seen == [KeysCreated(str(tmp_path / "keys"))]


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    both(tmp_path / "keys")
    files = list((tmp_path / "keys").iterdir())
    assert len(files) == 5
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


@pytest.mark.parametrize("auth", [AuthSettings(), SECRET], ids=["ES256", "HS256"])
def test_the_api_keys_stay_the_same_and_say_who_they_are(tmp_path: Path, auth: AuthSettings) -> None:
    keys, api = both(tmp_path, auth)
    assert both(tmp_path, auth)[1] == api
    key = keys.secret.reveal() if auth is SECRET else keys.private.public_key()
    algorithm = "HS256" if auth is SECRET else "ES256"
    claims = jwt.decode(api.anon, key, algorithms=[algorithm])
    assert claims["role"] == "anon"
    assert "aud" not in claims
    assert claims["exp"] - claims["iat"] > 9 * 365 * 24 * 3600
    assert jwt.decode(api.service.reveal(), key, algorithms=[algorithm])["role"] == "service_role"


def test_another_secret_makes_other_api_keys(tmp_path: Path) -> None:
    other = AuthSettings(jwt_secret=Secret("another secret of enough characters"))
    assert both(tmp_path, SECRET)[1].anon != both(tmp_path, other)[1].anon


def test_the_jwks_is_public_and_its_kid_is_the_thumbprint(tmp_path: Path) -> None:
    keys, _ = both(tmp_path, SECRET)
    (jwk,) = keys.jwks()["keys"]
    required = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    digest = hashlib.sha256(json.dumps(required, sort_keys=True, separators=(",", ":")).encode()).digest()
    assert jwk["kid"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert "d" not in jwk
    assert keys.secret.reveal() not in json.dumps(keys.jwks())


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "keys")]
    with ExitStack() as stack:
        start = partial(subprocess.Popen, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        running = [stack.enter_context(start()) for _ in range(4)]
        for process in running:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        said = {process.communicate(timeout=60)[0] for process in running}
        assert {process.returncode for process in running} == {0}
    assert len(said) == 1
    assert len(list((tmp_path / "keys").iterdir())) == 5


@pytest.mark.parametrize("content", [b"", b"not a key", b"\xff\xfe"])
def test_a_broken_key_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "es256.pem").write_bytes(content)
    with pytest.raises(ConfigError, match=r"es256\.pem: is not an ES256"):
        open_keys(tmp_path, AuthSettings())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot be read or made"):
        open_keys(tmp_path / "file" / "keys", AuthSettings())
