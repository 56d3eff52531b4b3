import asyncpg
import pytest

from engine.errors import DeadlineExceeded, Overloaded, Unavailable
from engine.storage.postgres.errors import is_connection_broken, map_errors, misconfigured

BROKEN = [
    pytest.param(asyncpg.InterfaceError("connection is closed"), id="closed"),
    pytest.param(asyncpg.InternalClientError("unexpected"), id="ended while it was idle"),
    pytest.param(asyncpg.ConnectionDoesNotExistError(), id="closed in the middle of an operation"),
    pytest.param(asyncpg.AdminShutdownError(), id="ended by an administrator"),
    pytest.param(asyncpg.CrashShutdownError(), id="another session crashed"),
    pytest.param(asyncpg.CannotConnectNowError(), id="the server starts or stops"),
    pytest.param(asyncpg.ReadOnlySQLTransactionError(), id="the primary was demoted"),
    pytest.param(asyncpg.TargetServerAttributeNotMatched(), id="no host is the primary"),
]
TEMPORARY = [
    pytest.param(ConnectionRefusedError(), id="no server listens"),
    pytest.param(TimeoutError(), id="no response"),
    pytest.param(asyncpg.IdleInTransactionSessionTimeoutError(), id="idle in transaction"),
    pytest.param(asyncpg.TransactionTimeoutError(), id="transaction timeout"),
    pytest.param(asyncpg.DeadlockDetectedError(), id="deadlock"),
    pytest.param(asyncpg.TooManyConnectionsError(), id="too many connections"),
    pytest.param(asyncpg.DiskFullError(), id="disk full"),
    pytest.param(asyncpg.PostgresIOError(), id="the disk fails"),
    pytest.param(asyncpg.InvalidPasswordError(), id="wrong password"),
    pytest.param(asyncpg.InvalidCachedStatementError(), id="a migration changed a table"),
]
TIMEOUTS = [
    pytest.param(asyncpg.QueryCanceledError(), DeadlineExceeded, id="statement timeout"),
    pytest.param(asyncpg.LockNotAvailableError(), Overloaded, id="lock timeout"),
]
FAULTS = [
    pytest.param(asyncpg.DataError("cannot be encoded"), id="an argument cannot be encoded"),
    pytest.param(asyncpg.PostgresSyntaxError(), id="wrong SQL"),
    pytest.param(asyncpg.UniqueViolationError(), id="a constraint"),
    pytest.param(asyncpg.InsufficientPrivilegeError(), id="missing privilege"),
    pytest.param(asyncpg.InternalServerError(), id="a fault of the server"),
    pytest.param(ValueError(), id="another error"),
]


@pytest.mark.parametrize("error", [*BROKEN, *TEMPORARY])
def test_a_failure_of_the_database_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable), map_errors():
        raise error


@pytest.mark.parametrize(("error", "expected"), TIMEOUTS)
def test_a_timeout_of_the_server_says_what_took_too_long(
    error: Exception, expected: type[Unavailable]
) -> None:
    with pytest.raises(expected), map_errors():
        raise error
    assert not is_connection_broken(error)


MISMATCHES = [
    (asyncpg.InsufficientPrivilegeError("permission denied"), "lacks a right: permission denied"),
    (asyncpg.UndefinedTableError("no table"), "does not have the schema of this version: no table"),
    (asyncpg.UndefinedColumnError("no column"), "does not have the schema of this version"),
]


@pytest.mark.parametrize(("error", "message"), MISMATCHES)
def test_a_database_that_does_not_fit_is_misconfigured(error: Exception, message: str) -> None:
    mismatch = misconfigured(error)
    assert mismatch is not None
    assert message in mismatch.message
    assert misconfigured(asyncpg.DataError()) is None


@pytest.mark.parametrize("fault", FAULTS)
def test_another_error_is_not_hidden(fault: Exception) -> None:
    with pytest.raises(type(fault)), map_errors():
        raise fault
    assert not is_connection_broken(fault)


@pytest.mark.parametrize("error", BROKEN)
def test_other_connections_are_broken_too(error: Exception) -> None:
    assert is_connection_broken(error)


@pytest.mark.parametrize("error", TEMPORARY)
def test_other_connections_are_still_good(error: Exception) -> None:
    assert not is_connection_broken(error)
