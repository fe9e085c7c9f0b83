# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The moment after which nothing is launched any more, from what people write. Pure; the clock is passed.

Private to this collection.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone

from .._api.errors import OptionError

# A span such as 4h or 2h30m, of parts with these units, and a time of day such as 06:00.
_SPAN = re.compile(r"(?:\d+\s*[smhdw]\s*)+")
PART_OF_SPAN = re.compile(r"(\d+)\s*([smhdw])")
_TIME_OF_DAY = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d")


# Puts a time of a clock on the wall into a zone.
InZone = t.Callable[[datetime], datetime]


@dataclass(frozen=True)
class Deadline:
    """The moment after which nothing is launched any more.

    :param at: the moment, with its zone.
    :param seconds: how far away it was when it was read; less than 0 where it lay behind.
    """

    at: datetime
    seconds: float

    @classmethod
    def of(cls, text: t.Optional[str], now: datetime, in_zone: InZone = datetime.astimezone) -> t.Optional[Deadline]:
        """From the option: a span from now on, a time of day, whose next one is meant, or a moment as of ISO 8601.

        :param text: what is given; empty for none.
        :param now: with its zone.
        :param in_zone: puts times without a zone into that of who runs the task; by default that of the process.
        :raises OptionError: it is nothing of these.
        """
        text = (text or "").strip()
        if not text:
            return None
        now = now.astimezone(timezone.utc)
        try:
            at = _after_span(text, now) or _next_time_of_day(text, now, in_zone) or _moment(text, in_zone)
            # Python compares two moments of one zone by the clock on the wall, which may be set back in between.
            seconds = (at.astimezone(timezone.utc) - now).total_seconds()
        except (ValueError, OverflowError):
            raise OptionError(_wrong(text)) from None
        return cls(at, seconds)

    def __str__(self) -> str:
        return self.at.isoformat(" ", "seconds")


def _after_span(text: str, now: datetime) -> t.Optional[datetime]:
    if not _SPAN.fullmatch(text):
        return None
    spans = [timedelta(**{UNITS[unit]: int(number)}) for number, unit in PART_OF_SPAN.findall(text)]
    return (now + sum(spans, timedelta())).astimezone()


def _next_time_of_day(text: str, now: datetime, in_zone: InZone) -> t.Optional[datetime]:
    found = _TIME_OF_DAY.fullmatch(text)
    if not found:
        return None
    hour, minute, second = (int(part or 0) for part in found.groups())
    wanted = time(hour, minute, second)
    # No zone is further away from UTC than a day.
    days = (now.date() + timedelta(days=day) for day in range(-1, 3))
    moments = (in_zone(datetime.combine(day, wanted)) for day in days)
    return next(at for at in moments if at.astimezone(timezone.utc) > now)


def _moment(text: str, in_zone: InZone) -> datetime:
    """:raises ValueError: it is none, or a day without a time."""
    if not _DAY_AND_TIME.match(text):
        raise ValueError(text)
    # Python reads a Z since 3.11 only.
    at = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
    return at if at.tzinfo is not None else in_zone(at)


def _wrong(text: str) -> str:
    number = " YAML reads a time of day without quotes as a number: quote it." if text.isdecimal() else ""
    return (
        'deadline must be a span such as 4h or 2h30m, a time of day such as "06:00", or a moment such as '
        f"2026-11-29T06:00:00+01:00, not {text}.{number}"
    )
