"""Addresses: of mailboxes, of phones, and of pages that people may be sent to. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec.structs import replace

from mainspring.errors import AddressInvalid

EMAIL, PHONE = KINDS = ("email", "phone")
SMS, WHATSAPP = CHANNELS = ("sms", "whatsapp")
_LABEL: Final = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL: Final = re.compile(rf"[a-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*\Z")
_MOST: Final = 255
_PHONE: Final = re.compile(r"[1-9][0-9]{1,14}\Z")
_DECIMAL_HOST: Final = re.compile(r"[0-9]+\Z")


def email(text: str) -> str:
    """An e-mail address as it is kept. Raises AddressInvalid."""
    found = text.strip().lower()
    if len(found) > _MOST or not _EMAIL.match(found):
        raise AddressInvalid
    return found


def phone(text: str) -> str:
    """A phone number as it is kept, without + and spaces. Raises AddressInvalid."""
    found = text.removeprefix("+").replace(" ", "")
    if not _PHONE.match(found):
        raise AddressInvalid(PHONE)
    return found


class Address(msgspec.Struct, frozen=True):
    """Where a person can be reached: by e-mail, or by phone over a channel.

    `kind` is also the column of users that holds it, and the provider of the identity that goes with it.
    """

    kind: str
    text: str
    channel: str = SMS

    def proper(self) -> Address:
        """The address as it is kept. Raises AddressInvalid."""
        return replace(self, text=phone(self.text) if self.kind == PHONE else email(self.text))


class Redirects:
    """Where people may be sent after following a link: pages of the site, and what the patterns allow."""

    def __init__(self, site_url: str, patterns: Sequence[str]) -> None:
        self.site_url = site_url
        self._site = urlsplit(site_url)
        self._patterns = [re.compile(_pattern(text)) for text in patterns]

    def choose(self, wanted: str | None) -> str:
        """`wanted` where people may be sent there, else the site."""
        return wanted if wanted and self.allows(wanted) else self.site_url

    def allows(self, wanted: str) -> bool:
        """Whether people may be sent there, and a page from there may ask in a person's name."""
        return self._allowed(wanted)

    def _allowed(self, wanted: str) -> bool:
        try:
            parts = urlsplit(wanted)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return False
        if not parts.scheme or any(character.isspace() or character in "\\<>\"'" or character < "!" for character in wanted):
            return False
        if _DECIMAL_HOST.match(host) or (is_ip(host) and not is_loopback(host)):
            return False
        if self._same_site(parts, host, port):
            return True
        bare = wanted.partition("#")[0]
        return any(pattern.fullmatch(bare) for pattern in self._patterns)

    def _same_site(self, parts: SplitResult, host: str, port: int | None) -> bool:
        if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
            return False
        if parts.scheme != self._site.scheme or host != self._site.hostname:
            return False
        return is_loopback(host) or port == self._site.port


def _pattern(text: str) -> str:
    """The regular expression of a pattern: `*` ends at a dot and a slash, `**` does not."""
    parts = re.split(r"(\*\*|\*|\?)", text)
    meaning = {"**": ".*", "*": "[^./]*", "?": "[^./]"}
    return "".join(meaning.get(part, re.escape(part)) for part in parts)


def is_ip(host: str) -> bool:
    """Whether a host is the address of a machine, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    return host == "localhost" or (is_ip(host) and ipaddress.ip_address(host).is_loopback)
