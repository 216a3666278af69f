"""Words that everybody here would try do not count in a password."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mainspring.services.identity.passwords.passwords import Passwords, Rules
from mainspring.settings import AuthSettings


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("Acme2026", False),
        ("acmeACMEacme", False),
        ("blue.spring!ACME", False),
        ("acmehorse", False),
        ("acme: correct horse", True),
        ("correct horse", True),
        ("a.c.m.e.x", True),
    ],
)
def test_words_do_not_count(password: str, good: bool) -> None:
    weak = Rules(AuthSettings(password_words=("acme", "Blue.Spring"))).weakness(password)
    assert (weak is None) is good
    assert weak is None or weak.reasons == ("pwned",)


async def test_a_reason_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "breaches"
    path.write_text(hashlib.sha1(b"Acme2026", usedforsecurity=False).hexdigest())
    passwords = Passwords(AuthSettings(password_words=("acme",), breached_passwords=str(path)))
    weak = await passwords.weakness("Acme2026")
    assert weak is not None
    assert weak.reasons == ("pwned",)
    passwords.close()
