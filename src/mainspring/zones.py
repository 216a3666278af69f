"""Time zones: which there are, how a moment reads in one, and which moment a clock there means.

The data is the system's, or that of the package tzdata; it is looked up once. Moments are canonical texts of `datatypes` (UTC).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

_CYCLE: Final = timedelta(days=146_097)
"""400 years: after them the calendar repeats itself."""

_EDGE: Final = timedelta(days=2)


@cache
def names() -> frozenset[str]:
    """The names of all zones."""
    return frozenset(available_timezones()) - {"localtime"}


def known(name: str) -> bool:
    """Whether there is a zone of that name (case counts)."""
    return name in names()


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def clock(moment: str, zone: str) -> str:
    """The moment as PostgreSQL writes it into JSON under that zone: `2026-01-01T00:00:00-08:00`."""
    utc = datetime.fromisoformat(moment)
    try:
        return _trimmed(utc.astimezone(_zone(zone)))
    except OverflowError:
        return _beyond(utc, _zone(zone))


def clock_text(moment: str, zone: str) -> str:
    """The moment as PostgreSQL casts it to text: `2026-01-01 00:00:00-08`."""
    shown = clock(moment, zone)
    head, era = (shown[:-3], " BC") if shown.endswith(" BC") else (shown, "")
    short = head.removesuffix(":00") if head[-6] in "+-" else head
    return short.replace("T", " ") + era


def clock_date(moment: str, zone: str) -> str:
    """The day of the moment in that zone."""
    shown = clock(moment, zone)
    return shown.partition("T")[0] + (" BC" if shown.endswith(" BC") else "")


def moment(local: datetime, zone: str) -> datetime:
    """The UTC moment that a clock of that zone means; of two the later, of none what the clock before the leap would say.

    Raises OverflowError beyond the years 1 to 9999.
    """
    offsets = [_offset(local.replace(tzinfo=_zone(zone), fold=fold)) for fold in (0, 1)]
    return (local - min(offsets)).replace(tzinfo=UTC)


def _offset(aware: datetime) -> timedelta:
    return aware.utcoffset() or timedelta()


def _trimmed(aware: datetime) -> str:
    """ISO 8601 without trailing zeros in the fraction."""
    text = aware.isoformat()
    head, dot, rest = text.partition(".")
    return f"{head}.{rest[:6].rstrip('0')}{rest[6:]}" if dot else head


def _beyond(utc: datetime, zone: tzinfo) -> str:
    """A moment whose year in the zone is 0 (which PostgreSQL calls 1 BC) or 10000: shown by way of the same day 400 years off."""
    later = utc.year == 1
    shift = _CYCLE if later else -_CYCLE
    offset = _offset((utc + (_EDGE if later else -_EDGE)).astimezone(zone))
    near = _trimmed((utc + shift).replace(tzinfo=None) + offset)
    return f"{'0001' if later else '10000'}{near[4:]}{_written(offset)}{' BC' if later else ''}"


def _written(offset: timedelta) -> str:
    """An offset as ISO 8601 has it, with seconds where it has some."""
    return datetime(2000, 1, 1, tzinfo=timezone(offset)).isoformat()[19:]
