"""The digest of a declaration: equal digests mean equal declarations. Pure.

`engine.storage.resources.live_declaration` computes the same digest in PostgreSQL.
"""

from hashlib import sha256

from engine.resources.resource import Snapshot, is_active


def declaration_digest(resources: Snapshot) -> str:
    """Return SHA-256, in hex, over the keys and the declarations of all active resources."""
    active = ((key, each) for key, each in resources.items() if is_active(each))
    lines = [
        f"{key.kind} {key.name} {sha256(each.declaration.encode()).hexdigest()}"
        for key, each in sorted(active)
    ]
    return sha256("\n".join(lines).encode()).hexdigest()
