"""A seal changes with everything that it covers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.sealing.seal import (
    NO_SEAL,
    ROWS_MAX,
    ChainHeads,
    Seal,
    SealedContent,
    SealedCounts,
    content_digest,
    next_seal,
)
from engine.sealing.seal_audit import BACKDATED, RecordedRow, backdated_rows, is_full, seal_flaw

NOON = datetime(2026, 4, 28, 12, 0, tzinfo=UTC)
DIGESTS = st.binary(min_size=32, max_size=32)
CONTENTS = st.builds(SealedContent, DIGESTS, DIGESTS, st.builds(ChainHeads, *[DIGESTS] * 3))
COUNTS = st.builds(SealedCounts, *[st.integers(0, 9)] * 5)
SEALS = st.builds(Seal, st.integers(0, 9), st.just(NOON), COUNTS, DIGESTS)


def rows(*digests: bytes) -> list[RecordedRow]:
    return [RecordedRow(f"row {number}", NOON, each) for number, each in enumerate(digests)]


ENTRIES, NAMES = rows(b"1" * 32, b"2" * 32), rows(b"3" * 32)
HEADS = ChainHeads(b"4" * 32, b"5" * 32, b"6" * 32)
CONTENT = SealedContent(content_digest([b"1" * 32, b"2" * 32]), content_digest([b"3" * 32]), HEADS)
FIRST = next_seal(NO_SEAL, NOON, SealedCounts(2, 1, 1, 1, 1), CONTENT)


@given(before=SEALS, counts=COUNTS, content=CONTENTS, other=st.data())
def test_the_digest_covers_everything(
    before: Seal, counts: SealedCounts, content: SealedContent, other: st.DataObject
) -> None:
    seal = next_seal(before, NOON, counts, content)
    changed_counts = other.draw(COUNTS.filter(counts.__ne__))
    changed_content = other.draw(CONTENTS.filter(content.__ne__))
    changed_before = replace(before, digest=other.draw(DIGESTS.filter(before.digest.__ne__)))
    for changed in (
        next_seal(before, NOON, changed_counts, content),
        next_seal(before, NOON, counts, changed_content),
        next_seal(before, NOON + timedelta(microseconds=1), counts, content),
        next_seal(changed_before, NOON, counts, content),
        next_seal(replace(before, number=before.number + 1), NOON, counts, content),
    ):
        assert changed.digest != seal.digest


@given(digests=st.lists(DIGESTS), other=st.lists(DIGESTS))
def test_the_order_of_digests_matters(digests: list[bytes], other: list[bytes]) -> None:
    assume(digests != other)
    assert content_digest(digests) != content_digest(other)


def test_a_seal_of_its_rows_has_no_flaw() -> None:
    assert seal_flaw(NO_SEAL, FIRST, ENTRIES, NAMES, HEADS) is None


OTHER_ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "another entry": ({"entries": rows(b"1" * 32, b"x" * 32)}, "not the rows that were sealed"),
    "swapped entries": ({"entries": ENTRIES[::-1]}, "not the rows that were sealed"),
    "another name": ({"names": rows(b"x" * 32)}, "not the rows that were sealed"),
    "another head": ({"heads": HEADS._replace(plugin_changes=b"x")}, "not the rows"),
    "an entry less": ({"entries": ENTRIES[:1]}, "some of these no longer exist"),
    "a name less": ({"names": []}, "some of these no longer exist"),
    "a chain that is shorter": ({"heads": None}, "some of these no longer exist"),
}


@pytest.mark.parametrize(("change", "message"), OTHER_ROWS.values(), ids=OTHER_ROWS)
def test_other_rows_are_a_flaw(change: dict[str, Any], message: str) -> None:
    given_rows = {"entries": ENTRIES, "names": NAMES, "heads": HEADS} | change
    flaw = seal_flaw(NO_SEAL, FIRST, **given_rows)
    assert flaw is not None
    assert flaw.startswith("it covers entries 1 to 2, user names 1, reconciliations 1, ")
    assert message in flaw


IMPOSSIBLE = {
    "a gap": (replace(FIRST, number=3), "it follows seal 0; the seals between them are missing"),
    "fewer rows": (replace(FIRST, counts=FIRST.counts._replace(entries=-1)), "no seal with these"),
    "too many rows": (
        replace(FIRST, counts=FIRST.counts._replace(user_names=ROWS_MAX + 1)),
        "no seal with these numbers of rows can follow seal 0",
    ),
}


@pytest.mark.parametrize(("seal", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_an_impossible_seal_is_a_flaw(seal: Seal, message: str) -> None:
    assert str(seal_flaw(NO_SEAL, seal, ENTRIES, NAMES, HEADS)).startswith(message)


def test_a_row_dated_long_before_a_seal_without_it_is_a_flaw() -> None:
    old = RecordedRow("tk_4f8e29 entry 1", NOON - BACKDATED - timedelta(seconds=1), b"")
    [flaw] = backdated_rows(FIRST, [old])
    assert str(flaw) == (
        "tk_4f8e29 entry 1: it is dated 2026-04-27T11:59:59+00:00, but seal 1 of "
        "2026-04-28T12:00:00+00:00 does not cover it"
    )
    assert not [*backdated_rows(FIRST, [old._replace(at=NOON - BACKDATED)])]
    assert not [*backdated_rows(NO_SEAL, [old])]


def test_a_seal_is_full_if_more_rows_can_have_waited() -> None:
    full = FIRST.counts._replace(entries=FIRST.counts.entries + ROWS_MAX)
    assert is_full(FIRST, replace(FIRST, counts=full))
    assert not is_full(FIRST, replace(FIRST, counts=full._replace(entries=full.entries - 1)))
