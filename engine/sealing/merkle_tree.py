"""Merkle trees as in RFC 6962, section 2.1: a digest over many leaves, and short proofs of one.

Leaves and inner nodes are hashed with different first bytes, so a node can't pass for a leaf. The
last node of a level without a sibling becomes a node of the next level. So each aligned group of
2^n leaves is a subtree, whose root can be stored instead of the leaves.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final

EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\1" + left + right).digest()


def merkle_root(nodes: Sequence[bytes]) -> bytes:
    """Return the root of the tree over these hashes of leaves, or of roots of equal subtrees.

    The last subtree can be smaller than the others.
    """
    *_, top = _levels(nodes)
    return top[0] if top else EMPTY_ROOT


def _levels(nodes: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Yield the levels of a tree, from the given nodes to the root."""
    yield nodes
    while len(nodes) > 1:
        pairs = zip(nodes[::2], nodes[1::2], strict=False)
        parents = [sha256(b"\1" + left + right).digest() for left, right in pairs]
        nodes = [*parents, nodes[-1]] if len(nodes) % 2 else parents
        yield nodes


def inclusion_path(nodes: Sequence[bytes], index: int) -> list[bytes]:
    """Return the siblings on the way from a node to the root: the audit path of RFC 6962."""
    path = []
    for level in _levels(nodes):
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        index //= 2
    return path


def root_of_path(leaf: bytes, index: int, leaves: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that an inclusion path leads to; None if the path doesn't fit.

    Args:
        leaf: the hash of the leaf.
        index: the number of the leaf, from 0.
        leaves: the number of leaves of the tree.
        path: the siblings, from the leaf to the root.

    """
    siblings, node, last = iter(path), leaf, leaves - 1
    if not 0 <= index <= last:
        return None
    while last > 0:
        if index % 2 or index < last:
            sibling = next(siblings, None)
            if sibling is None:
                return None
            node = node_hash(sibling, node) if index % 2 else node_hash(node, sibling)
        index, last = index // 2, last // 2
    return None if next(siblings, None) is not None else node
