"""Thousands separators and decimal commas: told from a table as a whole, then written plainly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from marketstream.errors import InputError

type Mark = Literal[b",", b"."]

_WITH_COMMA = re.compile(rb"[\d.]*,[\d.,]*[KMB]?", re.IGNORECASE)
_THOUSANDS = re.compile(rb"\d{1,3}(?:,\d{3})+(?:\.\d*)?[KMB]?", re.IGNORECASE)
_THOUSANDS_IN_POINTS = re.compile(rb"\d{1,3}(?:\.\d{3})+(?:,\d*)?[KMB]?", re.IGNORECASE)
_ONE_GROUP = re.compile(rb"\d{1,3},\d{3}[KMB]?", re.IGNORECASE)
_GROUP_IN_POINTS = re.compile(rb"[1-9]\d{0,2}\.\d{3}")
_WITH_POINT = re.compile(rb"\d+\.\d+[KMB]?", re.IGNORECASE)


@dataclass
class Separators:
    """Which mark stands before the decimals of a file's numbers, once one has told it."""

    decimal: Mark | None = None

    def plain[Role: str](
        self, raw: Mapping[Role, list[bytes]], roles: Iterable[Role]
    ) -> dict[Role, list[bytes]]:
        """Return the columns, those of `roles` with numbers such as 1,000.5 written as 1000.5.

        Raises InputError where it cannot be told what a comma stands for.
        """
        columns = dict(raw)
        numbers = [role for role in roles if role in columns]
        if self.decimal != b"," and not any(b"," in b"".join(columns[role]) for role in numbers):
            return columns
        self._tell([cell.strip() for role in numbers for cell in columns[role]])
        if self.decimal is not None:
            for role in numbers:
                columns[role] = [self._written_plainly(cell.strip()) for cell in columns[role]]
        return columns

    def _tell(self, cells: Sequence[bytes]) -> None:
        with_comma = [cell for cell in cells if _WITH_COMMA.fullmatch(cell)]
        point = next((cell for cell in cells if _has_decimal_point(cell)), None)
        comma = next((cell for cell in with_comma if _has_decimal_comma(cell)), None)
        told: Mark | None = b"." if point is not None else b"," if comma is not None else None
        if (point is not None and comma is not None) or (
            None not in (self.decimal, told) and told != self.decimal
        ):
            raise InputError(
                f"a number like {(comma or point or b'').decode()} beside others that mean another "
                "mark before their decimals: write all of them with a point, without separators"
            )
        self.decimal = self.decimal or told
        if with_comma and self.decimal is None:
            raise InputError(
                f"numbers like {with_comma[0].decode()}: whether the comma stands before decimals "
                "or between thousands cannot be told: write them with a point, without separators"
            )

    def _written_plainly(self, cell: bytes) -> bytes:
        if self.decimal == b".":
            return cell.replace(b",", b"") if _THOUSANDS.fullmatch(cell) else cell
        if _THOUSANDS_IN_POINTS.fullmatch(cell):
            cell = cell.replace(b".", b"")
        return cell.replace(b",", b".")


def _has_decimal_point(cell: bytes) -> bool:
    if b"," in cell:
        return _THOUSANDS.fullmatch(cell) is not None and (cell.count(b",") > 1 or b"." in cell)
    return _WITH_POINT.fullmatch(cell) is not None and _GROUP_IN_POINTS.fullmatch(cell) is None


def _has_decimal_comma(cell: bytes) -> bool:
    if b"." in cell:
        return _THOUSANDS_IN_POINTS.fullmatch(cell) is not None
    return cell.count(b",") == 1 and _ONE_GROUP.fullmatch(cell) is None
