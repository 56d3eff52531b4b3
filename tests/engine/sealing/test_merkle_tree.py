"""The trees are those of RFC 6962, and a path proves exactly one leaf at one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sealing.merkle_tree import (
    EMPTY_ROOT,
    inclusion_path,
    leaf_hash,
    merkle_root,
    node_hash,
    root_of_path,
)

DATA = [
    bytes.fromhex(text)
    for text in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""The leaves of the test vectors of Certificate Transparency."""
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
HASHES = st.binary(min_size=32, max_size=32)
NODES = st.lists(HASHES, max_size=70)
SOME_NODES = st.lists(HASHES, min_size=1, max_size=70, unique=True)


def rfc_root(nodes: list[bytes]) -> bytes:
    """Return the root by the recursive definition of the RFC."""
    if len(nodes) < 2:
        return nodes[0] if nodes else EMPTY_ROOT
    split = 1 << (len(nodes) - 1).bit_length() - 1
    return node_hash(rfc_root(nodes[:split]), rfc_root(nodes[split:]))


@pytest.mark.parametrize(("leaves", "root"), ROOTS.items())
def test_roots_are_those_of_the_test_vectors(leaves: int, root: str) -> None:
    assert merkle_root([leaf_hash(each) for each in DATA[:leaves]]).hex() == root


@given(nodes=NODES)
def test_roots_follow_the_definition(nodes: list[bytes]) -> None:
    assert merkle_root(nodes) == rfc_root(nodes)


@given(nodes=NODES, levels=st.integers(0, 6))
def test_aligned_groups_can_be_replaced_by_their_roots(nodes: list[bytes], levels: int) -> None:
    size = 2**levels
    groups = [merkle_root(nodes[start : start + size]) for start in range(0, len(nodes), size)]
    assert merkle_root(groups) == merkle_root(nodes)


@given(nodes=SOME_NODES, data=st.data())
def test_a_path_leads_from_its_leaf_to_the_root(nodes: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(nodes) - 1))
    path = inclusion_path(nodes, index)
    assert root_of_path(nodes[index], index, len(nodes), path) == merkle_root(nodes)


@given(nodes=SOME_NODES, data=st.data())
def test_a_path_proves_no_other_leaf_place_or_size(nodes: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(nodes) - 1))
    path, root = inclusion_path(nodes, index), merkle_root(nodes)
    other_leaf = data.draw(HASHES.filter(nodes[index].__ne__))
    other_index = data.draw(st.integers(-1, len(nodes)).filter(index.__ne__))
    assert root_of_path(other_leaf, index, len(nodes), path) != root
    assert root_of_path(nodes[index], other_index, len(nodes), path) != root
    assert root_of_path(nodes[index], index, len(nodes), [*path, bytes(32)]) is None
    if path:
        assert root_of_path(nodes[index], index, len(nodes), path[:-1]) is None
