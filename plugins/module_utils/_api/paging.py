# Copyright (c) 2026, relaunch.controller contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists, page by page, in sizes that the controller answers in time. Private to this collection."""

from __future__ import annotations

import typing as t

from .errors import AnswerError, AnswerLostError

PAGE_SIZE = 200
# A page that is not answered in time is asked for in smaller ones.
PAGE_SIZES = (PAGE_SIZE, 50, 10)
# Of the time for an answer; where a page takes less, one of the next size has enough time as well.
QUICK_SHARE = 0.1

# So many numbers fit into a request line of 8 KiB, and so many entries into an answer.
NUMBERS_AT_ONCE = 200
# More names make a request line too long for some proxies.
NAMES_LIMIT = 100

# How a list goes on behind an entry, by its order. Behind a number of entries it would leave one out for each of these
# that was deleted meanwhile.
_BEHIND = {"id": "id__gt", "-id": "id__lt"}

_Body = dict[str, t.Any]
#: The entries of a page, and whether there are more after it.
Page = tuple[list[_Body], bool]
#: Tries a read as often as it takes, or once.
Tries = t.Callable[[t.Callable[[], Page]], Page]


class Lists:
    """The lists of one controller; by path it remembers what size of page came in time.

    :param get_once: reads the JSON object at a path, with the keys of a query; a single attempt.
    :param clock: a monotonic clock, seconds.
    :param request_timeout: seconds for an answer.
    """

    def __init__(self, get_once: t.Callable[..., _Body], clock: t.Callable[[], float], request_timeout: float) -> None:
        self._get_once = get_once
        self._clock = clock
        self._request_timeout = request_timeout
        self._sizes: dict[str, int] = {}

    def entries(self, path: str, query: t.Mapping[str, t.Any], tries: Tries) -> t.Iterator[_Body]:
        """The entries of a list, all of its pages.

        Pages are asked for by number, or behind the last entry where that is the order: behind a gateway ``next`` may
        lack its prefix.

        :raises AnswerError: what is there is no list, or a page is not there that the one before it tells of.
        :raises ControllerError: a page could not be read, by the last of its tries.
        """
        start, size, query = 0, PAGE_SIZE, dict(query)
        behind = _BEHIND.get(str(query.get("order_by")))

        def read(back: int = 0) -> Page:
            nonlocal size
            size = min(size, self._sizes.get(path, PAGE_SIZE))
            return self._page(path, query, start // size + 1 - back, size)

        while True:
            try:
                entries, more = tries(read)
            except AnswerError as error:
                if not start or error.status != 404 or error.body is None:
                    raise
                # Where the list has become shorter since, the page before is its last by now. Else this was no word of
                # the controller's own.
                if not tries(lambda: read(back=1))[1]:
                    return
                entries, more = tries(read)
            known = start % size
            yield from entries[known:]
            if not more:
                return
            # The controller's own pages may be smaller (its setting MAX_PAGE_SIZE).
            size = min(size, len(entries) or size)
            if behind and entries:
                query[behind] = entries[-1].get("id")
            else:
                start += size - known

    def _page(self, path: str, query: t.Mapping[str, t.Any], number: int, size: int) -> Page:
        began = self._clock()
        try:
            answer = self._get_once(path, **page_of(query, number, size))
        except AnswerLostError as error:
            if error.late:
                self._sizes[path] = next((less for less in PAGE_SIZES if less < size), size)
            raise
        took, more = self._clock() - began, bool(answer.get("next"))
        # Only a full page tells how long one takes.
        if more and took <= QUICK_SHARE * self._request_timeout:
            self._sizes[path] = next((larger for larger in reversed(PAGE_SIZES) if larger > size), size)
        return entries_in(answer, path), more


def entries_in(answer: _Body, path: str) -> list[_Body]:
    """The entries of a single page of a list.

    :param answer: the JSON object that was read.
    :param path: of the list.
    :raises AnswerError: what is there is no list. Taken for an empty one it would say that there is nothing.
    """
    entries = answer.get("results")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise AnswerError(f"GET {path} was answered without the list it should hold.", 200, answer)
    return entries


def first_entries(get: t.Callable[..., _Body], path: str, **query: t.Any) -> list[_Body]:
    """The entries of the first page of a list.

    :param get: reads the JSON object at a path, such as ``ControllerClient.get``.
    :raises ControllerError: it could not be read, or is no list.
    """
    return entries_in(get(path, **query), path)


def page_of(query: t.Mapping[str, t.Any], number: int = 1, size: int = PAGE_SIZE) -> _Body:
    """The query for a page of a list; if no other is given, the one that is asked for first."""
    return dict(query, page=number, page_size=size)


def in_chunks(numbers: t.Iterable[int]) -> t.Iterator[str]:
    """Values for a filter that takes many numbers, such as ``id__in``: so many as fit into one request at a time."""
    several = sorted(numbers)
    for start in range(0, len(several), NUMBERS_AT_ONCE):
        yield ",".join(map(str, several[start : start + NUMBERS_AT_ONCE]))


def by_numbers(
    results: t.Callable[..., t.Iterable[_Body]], path: str, name: str, numbers: t.Iterable[int], **query: t.Any
) -> t.Iterator[_Body]:
    """The entries of a list where a filter takes many numbers.

    :param results: reads the entries of a list, such as ``ControllerClient.results``.
    :param name: of the filter, such as ``id__in``.
    :raises ControllerError: they could not be read.
    """
    for some in in_chunks(numbers):
        yield from results(path, **{name: some}, **query)


def by_names(key: str, names: t.Collection[str], at_once: int = NAMES_LIMIT) -> list[dict[str, str]]:
    """Filters for what has one of these names, in as many requests as they need; ``__in`` takes names apart at commas.

    :param key: of the filter for a single name.
    """
    plain = sorted(name for name in names if "," not in name)
    several = (",".join(plain[start : start + at_once]) for start in range(0, len(plain), at_once))
    return [*({f"{key}__in": some} for some in several), *({key: name} for name in sorted(names) if "," in name)]


def rows_named(
    results: t.Callable[..., t.Iterable[_Body]], path: str, names: t.Collection[str], at_once: int = NAMES_LIMIT
) -> dict[str, _Body]:
    """By name, the entries of a list, of hosts or groups, that have one of these names.

    :param results: as of ``by_numbers``.
    :raises ControllerError: they could not be read.
    """
    several = by_names("name", names, at_once)
    return {str(row.get("name")): row for some in several for row in results(path, **some)}
