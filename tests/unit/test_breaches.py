"""Passwords known elsewhere: found in a file of hashes, whatever its line ends and counts."""

from __future__ import annotations

from hashlib import sha1
from pathlib import Path

import pytest

from mainspring.errors import ConfigError, PasswordWeak
from mainspring.services.identity.passwords.breaches import Breaches
from mainspring.services.identity.passwords.passwords import Passwords
from mainspring.settings import AuthSettings

KNOWN = [f"password{number}" for number in range(500)] + ["", "Straße"]


def listed(path: Path, passwords: list[str], end: str = "\n", count: str = ":3") -> Path:
    hashes = sorted(sha1(password.encode()).hexdigest().upper() for password in passwords)
    path.write_text("".join(f"{each}{count}{end}" for each in hashes), newline="")
    return path


@pytest.mark.parametrize(("end", "count"), [("\n", ":3"), ("\r\n", ":12345"), ("\n", "")])
def test_every_password_of_the_list_is_known_and_no_other(tmp_path: Path, end: str, count: str) -> None:
    breaches = Breaches(listed(tmp_path / "list", KNOWN, end, count))
    assert [password for password in KNOWN if not breaches.knows(password)] == []
    assert [number for number in range(500) if breaches.knows(f"another{number}")] == []


@pytest.mark.parametrize("passwords", [["only one"], ["one", "two"]])
def test_short_lists(tmp_path: Path, passwords: list[str]) -> None:
    path = listed(tmp_path / "list", passwords)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert all(map(Breaches(path).knows, passwords))
    assert not Breaches(path).knows("three")


@pytest.mark.parametrize("content", [None, b"", b"password\n123456\n" * 9])
def test_what_is_no_list_is_a_mistake(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "list"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"auth\.breached_passwords"):
        Breaches(path)


async def test_a_known_password_is_weak_however_long_it_is(tmp_path: Path) -> None:
    path = listed(tmp_path / "list", ["correct horse battery staple", "12345"])
    passwords = Passwords(AuthSettings(breached_passwords=str(path)))
    await passwords.demand("a password of nobody")
    for password, reasons in (("correct horse battery staple", ("pwned",)), ("12345", ("length", "pwned"))):
        with pytest.raises(PasswordWeak) as caught:
            await passwords.demand(password)
        assert caught.value.reasons == reasons
        assert password not in caught.value.message
    passwords.close()
