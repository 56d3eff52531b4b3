"""Verify an anchor of Interlock with a backup, or the proof of one ticket.

    python verify_anchor.py KEY ANCHOR BACKUP
    python verify_anchor.py KEY PROOF

KEY is the public key of the installation. ANCHOR, BACKUP and PROOF are files: the outputs of
`interlock history anchor`, of `interlock backup` at any later time, and of `interlock history
prove`. Shares no code with Interlock; docs/history.md describes the formats. Needs Python 3.11
and the package `cryptography`.
"""

import json
import sys
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Row = dict[str, Any]
HISTORY = (
    *("ticket", "seq", "at", "actor", "kind", "old_value", "new_value", "actor_bits"),
    *("workflow_revision", "details"),
)
REVISION = ("id", "workflow", "declaration", "policy", "file", "line", "reconciliation")
CHAINS = {
    "reconciliations": ("id", "plan_id", "plan", "applied_at", "applied_by", "source"),
    "workflow_revisions": REVISION,
    "plugin_changes": ("id", "plugin", "enabled", "changed_at", "changed_by"),
}
LOGS = {"entries": "ticket_status_history", "user_names": "user_names"}
STATUSES = ("OPEN", "IN_PROGRESS", "RESOLVED", "CLOSED")


def require(*, holds: bool, otherwise: str) -> None:
    """End the program unless a condition holds."""
    if not holds:
        sys.exit(f"NOT VERIFIED: {otherwise}")


def canonical(name: str, value: object) -> object:
    """Return a value of a column as digests cover it."""
    if not name.endswith("_at") and name != "at":
        return value
    at = datetime.fromisoformat(str(value)).astimezone(UTC).replace(tzinfo=None)
    return at.isoformat(timespec="microseconds") + "Z"


def chained(before: bytes, values: list[object]) -> bytes:
    """Return the digest of values after another digest."""
    return sha256(before + json.dumps(values, ensure_ascii=False).encode()).digest()


def check_chain(what: str, rows: list[Row], columns: tuple[str, ...]) -> list[bytes]:
    """Check numbers and digests of a chain; return the digests, after one for no rows."""
    digests = [b""]
    for number, row in enumerate(rows, 1):
        digest = chained(digests[-1], [canonical(name, row[name]) for name in columns])
        is_next = row["seq" if columns is HISTORY else "id"] == number
        require(holds=is_next and stored(row) == digest, otherwise=f"{what} {number} was changed")
        digests.append(digest)
    return digests


def stored(row: Row) -> bytes:
    """Return the digest that is stored with a row."""
    return bytes.fromhex(row["digest"].removeprefix("\\x"))


def check_signature(anchor: Row, key: str) -> None:
    """Check that a key signed an anchor."""
    require(holds=anchor["key"] == key, otherwise=f"the key is another one: {anchor['key']}")
    signed = {name: value for name, value in anchor.items() if name != "signature"}
    content = json.dumps(signed, sort_keys=True, separators=(",", ":")).encode()
    public, signature = (urlsafe_b64decode(f"{each}==") for each in (key, anchor["signature"]))
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, content)
    except InvalidSignature:
        require(holds=False, otherwise="the signature is not valid")


def check_permissions(entries: list[Row], revisions: dict[int, Row]) -> None:
    """Check that each transition by a user was permitted to roles that the user had."""
    opening = json.loads(entries[0]["details"])
    status, assignee = entries[0]["new_value"], opening["assignee"]
    for entry in entries[1:]:
        if entry["kind"] == "assignee":
            assignee = entry["new_value"]
        elif entry["kind"] == "status":
            actor, bits = entry["actor"], entry["actor_bits"]
            pair = 4 * STATUSES.index(status) + STATUSES.index(entry["new_value"])
            revision = revisions.get(entry["workflow_revision"], {"policy": 0, "workflow": ""})
            is_permitted = actor == "system" or (
                status != "CLOSED"
                and revision["workflow"] == opening["workflow"]
                and bool(revision["policy"] >> 3 * pair & bits & 7)
                and bool(bits & 1) == (actor == assignee)
                and bool(bits & 2) == (actor == opening["requester"])
            )
            where = f"{entry['ticket']} entry {entry['seq']}"
            is_next = entry["old_value"] == status
            require(holds=is_permitted and is_next, otherwise=f"{where} was not permitted")
            status = entry["new_value"]


def check_keys(entries: list[Row]) -> None:
    """Check that only entries by `system` name an API key."""
    by_users = [
        json.loads(each["details"] or "{}") for each in entries if each["actor"] != "system"
    ]
    named = any(each.get("key") for each in by_users)
    require(holds=not named, otherwise=f"a user in {entries[0]['ticket']} has an API key")


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node of a Merkle tree (RFC 6962)."""
    return sha256(b"\1" + left + right).digest()


def merkle_root(heads: list[bytes]) -> bytes:
    """Return the root over heads."""
    level = [sha256(b"\0" + head).digest() for head in heads] or [sha256(b"").digest()]
    while len(level) > 1:
        odd = level[len(level) & ~1 :]
        level = [*map(node, level[::2], level[1::2]), *odd]
    return level[0]


def read_backup(file: Path) -> dict[str, list[Row]]:
    """Return the rows of each table, in their order."""
    tables: dict[str, list[Row]] = {}
    _, content = file.read_text(encoding="utf-8").split("\ntables:\n", 1)
    for line in content.split("\n"):
        if line.startswith("  - "):
            tables[next(reversed(tables))].append(json.loads(line[4:]))
        elif line.startswith("  "):
            tables[line.strip(" :")] = []
    return tables


def check_seals(anchor: Row, tables: dict[str, list[Row]]) -> None:
    """Check that the seals up to that of an anchor cover exactly the rows of a backup."""
    chains = {name: check_chain(name, tables[name], CHAINS[name]) for name in CHAINS}
    digest, counts = b"", dict.fromkeys((*LOGS, *CHAINS), 0)
    for number, seal in enumerate(tables["seals"][: anchor["seal"]], 1):
        values: list[object] = [number, canonical("sealed_at", seal["sealed_at"])]
        for name, table in LOGS.items():
            added = tables[table][counts[name] : seal[name]]
            values += [seal[name], sha256(b"".join(map(stored, added))).hexdigest()]
        for name, digests in chains.items():
            head = digests[seal[name]] if seal[name] < len(digests) else b""
            values += [seal[name], head.hex()]
        digest, counts = chained(digest, values), {name: seal[name] for name in counts}
        is_same = digest == stored(seal)
        require(holds=is_same, otherwise=f"seal {number} does not cover what was sealed")
    is_same = digest.hex() == anchor["seal_digest"] and all(anchor[n] == counts[n] for n in counts)
    require(holds=is_same, otherwise="the seals are not those of the anchor")


def check_backup(anchor: Row, tables: dict[str, list[Row]]) -> None:
    """Check a backup against an anchor."""
    check_seals(anchor, tables)
    log, revisions = (
        tables[LOGS["entries"]],
        {row["id"]: row for row in tables["workflow_revisions"]},
    )
    heads: dict[str, Row] = {}
    for entry in log[: anchor["entries"]]:
        heads[entry["ticket"]] = max(
            heads.get(entry["ticket"], entry), entry, key=lambda e: e["seq"]
        )
    created = [each["ticket"] for each in log[: anchor["entries"]] if each["seq"] == 1]
    root = merkle_root([stored(heads[ticket]) for ticket in created])
    is_same = (len(created), root.hex()) == (anchor["tickets"], anchor["heads_root"])
    require(holds=is_same, otherwise="the heads of the tickets are not those of the anchor")
    histories: dict[str, list[Row]] = {}
    for entry in sorted(log, key=lambda each: each["seq"]):
        histories.setdefault(entry["ticket"], []).append(entry)
    for ticket, entries in histories.items():
        check_chain(f"{ticket} entry", entries, HISTORY)
        check_permissions(entries, revisions)
        check_keys(entries)


def check_proof(proof: Row) -> None:
    """Check that the history of a ticket is the whole one at an anchor."""
    anchor, index, path = proof["anchor"], proof["index"], [*map(bytes.fromhex, proof["path"])]
    head = check_chain("entry", proof["entries"], HISTORY)[-1]
    digest, last = sha256(b"\0" + head).digest(), anchor["tickets"] - 1
    while last > 0 and path:
        if index % 2 or index < last:
            digest = node(path.pop(0), digest) if index % 2 else node(digest, path.pop(0))
        index, last = index // 2, last // 2
    is_same = not last and not path and digest.hex() == anchor["heads_root"]
    require(holds=is_same, otherwise="the history is not the one of the anchor")


def main(key: str, file: str, backup: str = "") -> None:
    """Verify the anchor or proof in a file."""
    document = json.loads(Path(file).read_text(encoding="utf-8"))
    anchor = document.get("anchor", document)
    check_signature(anchor, key)
    what = f"anchor {anchor['number']} of {anchor['anchored_at']}"
    if document is not anchor:
        check_proof(document)
        print(f"Verified the whole history of {document['entries'][0]['ticket']} up to {what}.")
        return
    require(holds=bool(backup), otherwise="an anchor needs a backup to verify")
    check_backup(anchor, read_backup(Path(backup)))
    print(f"Verified {anchor['entries']} entries of {anchor['tickets']} tickets against {what}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
