"""Statements in SQLAlchemy Core, compiled once and executed by asyncpg directly.

Execution by SQLAlchemy would cost a third of the rate of a one-statement transaction. Its benefit,
SQL that is checked against the tables, is available without that.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, cast

from sqlalchemy import ClauseElement, Dialect
from sqlalchemy.dialects.postgresql import asyncpg

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler

DIALECT: Final[Dialect] = asyncpg.dialect()  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with numbered parameters.

    Attributes:
        parameters: the names of the parameters in the order of their numbers.
        constants: the values of parameters that are part of the statement.

    """

    sql: str
    parameters: tuple[str, ...]
    constants: dict[str, object]

    @classmethod
    def of(cls, statement: ClauseElement) -> Self:
        """Compile a statement."""
        compiled = cast("SQLCompiler", statement.compile(dialect=DIALECT))
        constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        return cls(str(compiled), tuple(compiled.positiontup or ()), constants)

    def arguments(self, values: dict[str, object]) -> list[object]:
        """Return the values of the parameters in the order of their numbers."""
        constants = self.constants
        return [values[n] if n in values else constants[n] for n in self.parameters]
