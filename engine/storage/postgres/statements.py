"""Statements written in SQLAlchemy Core, compiled once, run on asyncpg directly.

Going through SQLAlchemy's own execution costs a third of the rate of a one-statement transaction
(design section 10); what it is good for, writing SQL that is checked against the tables, happens
here before the first request.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, cast

from sqlalchemy import ClauseElement, Dialect
from sqlalchemy.dialects.postgresql import asyncpg

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler

DIALECT: Final[Dialect] = asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with numbered parameters.

    Attributes:
        parameters: the names of the parameters in the order of their numbers.
        constants: the values of those that the statement itself brings.

    """

    sql: str
    parameters: tuple[str, ...]
    constants: dict[str, object]

    @classmethod
    def of(cls, statement: ClauseElement) -> Self:
        """Return the compiled form of a statement in Core."""
        compiled = cast("SQLCompiler", statement.compile(dialect=DIALECT))
        given = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        return cls(str(compiled), tuple(compiled.positiontup or ()), given)

    def arguments(self, values: dict[str, object]) -> list[object]:
        """Return the values in the order of their numbers."""
        constants = self.constants
        return [values[n] if n in values else constants[n] for n in self.parameters]
