"""Find rights on the database that a server lacks, and those that no server needs."""

from typing import Final

from sqlalchemy import ARRAY, Text, bindparam, text

from engine.storage.postgres.database import Row, Session
from engine.storage.postgres.grants import SERVER_PRIVILEGES
from engine.storage.postgres.schema_audit import TRIGGER_PARAMETER
from engine.storage.postgres.statements import Statement

_PARAMETER_RIGHTS_SINCE: Final = 15
"""The major version of PostgreSQL that introduced rights on parameters."""

_TABLES: Final = bindparam("tables", type_=ARRAY(Text))
_ROLE: Final = Statement.of(
    text(
        """
        SELECT rolname AS name, rolsuper AS is_superuser, rolcreaterole AS creates_roles,
            rolbypassrls AS bypasses_row_security,
            pg_has_role('pg_write_all_data', 'USAGE') AS writes_all_data,
            has_schema_privilege(current_schema(), 'CREATE') AS creates_objects,
            has_database_privilege(current_database(), 'CREATE') AS creates_schemas,
            has_database_privilege(current_database(), 'TEMPORARY') AS creates_temporary_tables,
            EXISTS (
                SELECT FROM unnest(:tables) AS name
                JOIN pg_class ON pg_class.oid = to_regclass(name)
                WHERE pg_has_role(relowner, 'USAGE')
            ) AS owns_tables
        FROM pg_roles WHERE rolname = current_user
        """
    ).bindparams(_TABLES)
)
_GRANTS: Final = Statement.of(
    text(
        """
        WITH owned AS (
            SELECT name, oid, relowner, relacl
            FROM unnest(:tables) AS name JOIN pg_class ON oid = to_regclass(name)
        ),
        granted AS (
            SELECT name, relowner, relacl AS rights FROM owned
            UNION ALL
            SELECT name, relowner, attacl FROM owned JOIN pg_attribute ON attrelid = owned.oid
            WHERE NOT attisdropped
        )
        SELECT DISTINCT name, privilege_type AS privilege,
            CASE item.grantee WHEN 0 THEN 'PUBLIC'
                ELSE 'The role ' || pg_get_userbyid(item.grantee) END AS grantee
        FROM granted CROSS JOIN aclexplode(rights) AS item
        WHERE item.grantee <> relowner
        ORDER BY grantee, name, privilege
        """
    ).bindparams(_TABLES)
)
"""What is granted on tables, or on single columns of them, to other roles than their owner."""
_MISSING: Final = Statement.of(
    text(
        """
        SELECT name, privilege FROM unnest(:tables, :privileges) AS needed (name, privilege)
        WHERE NOT has_table_privilege(name, privilege)
        """
    ).bindparams(_TABLES, bindparam("privileges", type_=ARRAY(Text)))
)
_CAN_SET_PARAMETER: Final = Statement.of(
    text("SELECT has_parameter_privilege(:parameter, 'SET') AS can_set").bindparams(
        bindparam("parameter", type_=Text)
    )
)


async def find_missing_rights(session: Session) -> list[str]:
    """Return the rights that a server needs and the current role lacks: `INSERT on seals`."""
    needed = [
        (table, privilege)
        for table, privileges in SERVER_PRIVILEGES.items()
        for privilege in privileges
    ]
    tables, privileges = zip(*needed, strict=True)
    missing = await session.rows(_MISSING, tables=list(tables), privileges=list(privileges))
    return [f"{each['privilege']} on {each['name']}" for each in missing]


async def find_excess_rights(session: Session) -> list[str]:
    """Return the rights that no server needs, each as a sentence; maybe none.

    These are all rights of the current role, and the rights of every role on the tables.
    """
    tables = list(SERVER_PRIVILEGES)
    [role] = await session.rows(_ROLE, tables=tables)
    granted = [
        f"{each['grantee']} has a right that no server needs: {each['privilege']} on {each['name']}"
        for each in await session.rows(_GRANTS, tables=tables)
        if each["privilege"] not in SERVER_PRIVILEGES[each["name"]]
    ]
    return [*await _rights_of(session, role), *granted]


async def _rights_of(session: Session, role: Row) -> list[str]:
    """Return what a role can do in the whole database."""
    subject = f"The role {role['name']}"
    if role["is_superuser"]:
        return [f"{subject} is a superuser, so it can change all recorded data"]
    if role["owns_tables"]:
        return [f"{subject} owns tables, so it can change all recorded data"]
    rights = {
        "create roles": role["creates_roles"],
        "bypass row-level security": role["bypasses_row_security"],
        "write all data": role["writes_all_data"],
        "create objects in the schema": role["creates_objects"],
        "create schemas": role["creates_schemas"],
        "create temporary tables": role["creates_temporary_tables"],
        f"set {TRIGGER_PARAMETER}": await _can_set_parameter(session),
    }
    return [
        f"{subject} has a right that no server needs: {right}"
        for right, is_held in rights.items()
        if is_held
    ]


async def _can_set_parameter(session: Session) -> bool:
    if session.connection.get_server_version().major < _PARAMETER_RIGHTS_SINCE:
        return False
    [row] = await session.rows(_CAN_SET_PARAMETER, parameter=TRIGGER_PARAMETER)
    can_set: bool = row["can_set"]
    return can_set
