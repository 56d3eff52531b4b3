"""Parses arguments of `--set` and `--set-string` in the grammar of Helm's package `strvals`.

An argument that Helm reads in a surprising way is an error here.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, NoReturn

from engine import limits
from engine.declaration.scalars import AmbiguousScalar, Scalar, describe_value, exact_integer
from engine.declaration.source_map import ListNode, Offset, Source
from reconciler.merge import InvalidAssignment, Located, Step

_NAME: Final = re.compile(r"(?:\\.|[^\\=\[,.])+", re.DOTALL)
_INDEX: Final = re.compile(r"\[([0-9]{1,6})\]")
_WORD: Final = re.compile(r"(?:\\.|[^\\,])*", re.DOTALL)
_WORD_IN_LIST: Final = re.compile(r"(?:\\.|[^\\,}])*", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_INTEGER: Final = re.compile(r"0|[1-9][0-9]*|[-+][0-9]+")
_CONSTANTS: Final[dict[str, Scalar]] = {"true": True, "false": False, "null": None}


class Assignment(NamedTuple):
    """One `path=value` of an argument."""

    steps: tuple[Step, ...]
    value: Located


def typed_scalar(word: str) -> Scalar:
    """Return a word as `--set` types it: true, false, null, a decimal integer, or text.

    Raises:
        AmbiguousScalar: the word is an integer that Helm cannot represent exactly.

    """
    folded = word.casefold()
    if folded in _CONSTANTS:
        return _CONSTANTS[folded]
    return exact_integer(word, 10) if _INTEGER.fullmatch(word) else word


def parse_assignments(source: Source, to_scalar: Callable[[str], Scalar]) -> tuple[Assignment, ...]:
    """Return the assignments of an argument, in their order; `to_scalar` types the words.

    Raises:
        InvalidAssignment: the argument is not of the form `path=value,path=value`.

    """
    try:
        source.text.encode()
    except UnicodeEncodeError as error:
        message = f"This is not Unicode: {error.reason}."
        raise InvalidAssignment(message, source.start + error.start) from None
    return tuple(_Parser(source, to_scalar).assignments())


class _Parser:
    """Reads one argument from left to right."""

    def __init__(self, source: Source, to_scalar: Callable[[str], Scalar]) -> None:
        self.source = source
        self.to_scalar = to_scalar
        self.index = 0

    @property
    def offset(self) -> Offset:
        """The offset of the next character."""
        return self.source.start + self.index

    def assignments(self) -> Iterator[Assignment]:
        """Yield each `path=value`."""
        while self.index < len(self.source.text):
            steps = tuple(self.steps())
            if len(steps) > limits.ASSIGNMENT_DEPTH:
                self.fail(f"A path has at most {limits.ASSIGNMENT_DEPTH} steps.")
            self.expect("=")
            if self.index == len(self.source.text) and _is_lost_by_helm(steps):
                self.fail("Helm loses an empty value at the end: write a comma after it.")
            yield Assignment(steps, self.value())
            if self.index < len(self.source.text):
                self.expect(",")

    def steps(self) -> Iterator[Step]:
        """Yield the steps of a path such as `ticketing.services[0].path`."""
        yield self.key()
        while (character := self.peek()) in {".", "["}:
            if character == ".":
                self.index += 1
                yield self.key()
            else:
                yield self.list_index()

    def key(self) -> Step:
        """Read a key."""
        offset = self.offset
        word = self.take(_NAME) or self.fail(
            "A name is missing here, as in ticketing.enabled=false."
        )
        return Step(_unescape(word), offset)

    def list_index(self) -> Step:
        """Read the index of a list item."""
        offset = self.offset
        word = self.take(_INDEX) or self.fail("An index is a number in brackets, such as [0].")
        return Step(int(word[1:-1]), offset)

    def value(self) -> Located:
        """Read a word, or a list of at least one word in braces; a word can be empty."""
        if self.peek() != "{":
            return self.word(_WORD)
        node = ListNode([], self.offset, [])
        separator = "{"
        while self.peek() == separator:
            self.index += 1
            value, child = self.word(_WORD_IN_LIST)
            node.value.append(value)
            node.children.append(child)
            separator = ","
        self.expect("}")
        return Located(node.value, node)

    def word(self, pattern: re.Pattern[str]) -> Located:
        """Read a word as a scalar."""
        offset = self.offset
        try:
            return Located(self.to_scalar(_unescape(self.take(pattern))), offset)
        except AmbiguousScalar as error:
            raise InvalidAssignment(str(error), offset) from None

    def peek(self) -> str:
        """Return the next character; empty at the end."""
        return self.source.text[self.index : self.index + 1]

    def take(self, pattern: re.Pattern[str]) -> str:
        """Read the characters that match; empty if none do."""
        match = pattern.match(self.source.text, self.index)
        word = match[0] if match else ""
        self.index += len(word)
        return word

    def expect(self, character: str) -> None:
        """Read this character, or fail."""
        if self.peek() != character:
            actual = describe_value(self.peek()) if self.peek() else "the end"
            self.fail(f"Expected {character!r}, found {actual}.")
        self.index += 1

    def fail(self, message: str) -> NoReturn:
        """Raise an error at the next character."""
        raise InvalidAssignment(message, self.offset)


def _is_lost_by_helm(steps: tuple[Step, ...]) -> bool:
    """Return whether Helm drops an empty last value: that of a key in a list item."""
    *before, last = (step.name for step in steps)
    return isinstance(last, str) and any(isinstance(each, int) for each in before)


def _unescape(word: str) -> str:
    r"""Return a word without the backslashes that escape the next character."""
    return _ESCAPED.sub(r"\1", word)
