"""Arguments of `--set`, in the grammar of Helm (its package `strvals`).

Where Helm guesses what is meant, this refuses.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, NoReturn

from engine import limits
from engine.declaration.scalars import AmbiguousScalar, Scalar, describe_value, exact_integer
from engine.declaration.source_map import ListNode, Offset, Source
from reconciler.merge import Step, Written, WrongAssignment

NAME: Final = re.compile(r"(?:\\.|[^\\=\[,.])+", re.DOTALL)
INDEX: Final = re.compile(r"\[([0-9]{1,6})\]")
WORD: Final = re.compile(r"(?:\\.|[^\\,])*", re.DOTALL)
WORD_IN_LIST: Final = re.compile(r"(?:\\.|[^\\,}])*", re.DOTALL)
ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
INTEGER: Final = re.compile(r"0|[1-9][0-9]*|[-+][0-9]+")
WORDS: Final[dict[str, Scalar]] = {"true": True, "false": False, "null": None}


class Assignment(NamedTuple):
    """One `path=value` of an argument."""

    steps: tuple[Step, ...]
    new: Written


def typed(word: str) -> Scalar:
    """Return what `--set` reads a word as: true, false, null, a decimal integer, or text.

    Raises:
        Doubtful: an integer that Helm can't carry exactly.

    """
    folded = word.casefold()
    if folded in WORDS:
        return WORDS[folded]
    return exact_integer(word, 10) if INTEGER.fullmatch(word) else word


def assignments(source: Source, read: Callable[[str], Scalar]) -> tuple[Assignment, ...]:
    """Return what an argument sets, in its order; `read` gives its words a type.

    Raises:
        WrongAssignment: it is not of the form `path=value,path=value`.

    """
    try:
        source.text.encode()
    except UnicodeEncodeError as error:
        message = f"This is not Unicode: {error.reason}."
        raise WrongAssignment(message, source.start + error.start) from None
    return tuple(Scanner(source, read).assignments())


class Scanner:
    """Reads one argument from left to right."""

    def __init__(self, source: Source, read: Callable[[str], Scalar]) -> None:
        self.source = source
        self.read = read
        self.index = 0

    @property
    def offset(self) -> Offset:
        """Where the next character stands."""
        return self.source.start + self.index

    def assignments(self) -> Iterator[Assignment]:
        """Yield each `path=value`."""
        while self.index < len(self.source.text):
            steps = tuple(self.steps())
            if len(steps) > limits.ASSIGNMENT_DEPTH:
                self.fail(f"A path has at most {limits.ASSIGNMENT_DEPTH} steps.")
            self.expect("=")
            if self.index == len(self.source.text) and is_lost_by_helm(steps):
                self.fail("Helm loses an empty value that ends here: write a comma after it.")
            yield Assignment(steps, self.value())
            if self.index < len(self.source.text):
                self.expect(",")

    def steps(self) -> Iterator[Step]:
        """Yield the steps of a path such as `ticketing.services[0].path`."""
        yield self.name()
        while (next_one := self.peek()) in {".", "["}:
            yield self.position() if next_one == "[" else self.name_after_dot()

    def name(self) -> Step:
        """Read a key."""
        offset = self.offset
        word = self.take(NAME)
        if not word:
            self.fail("A name is missing here, as in ticketing.enabled=false.")
        return Step(unescaped(word), offset)

    def name_after_dot(self) -> Step:
        """Read a dot and a key."""
        self.expect(".")
        return self.name()

    def position(self) -> Step:
        """Read the index of a list's item."""
        offset = self.offset
        word = self.take(INDEX)
        if not word:
            self.fail("An index is a number in brackets, such as [0].")
        return Step(int(word[1:-1]), offset)

    def value(self) -> Written:
        """Read a word, or a list of words in braces."""
        if self.peek() != "{":
            return self.word(WORD)
        node = ListNode([], self.offset, [])
        self.expect("{")
        for value, child in self.words():
            node.value.append(value)
            node.children.append(child)
        self.expect("}")
        return Written(node.value, node)

    def words(self) -> Iterator[Written]:
        """Read words with commas between them; there is at least one, if only an empty one."""
        yield self.word(WORD_IN_LIST)
        while self.peek() == ",":
            self.expect(",")
            yield self.word(WORD_IN_LIST)

    def word(self, pattern: re.Pattern[str]) -> Written:
        """Read a word and give it its type."""
        offset = self.offset
        try:
            return Written(self.read(unescaped(self.take(pattern))), offset)
        except AmbiguousScalar as doubt:
            raise WrongAssignment(str(doubt), offset) from None

    def peek(self) -> str:
        """Return the next character; empty at the end."""
        return self.source.text[self.index : self.index + 1]

    def take(self, pattern: re.Pattern[str]) -> str:
        """Read as much as matches; empty if nothing does."""
        found = pattern.match(self.source.text, self.index)
        word = found[0] if found else ""
        self.index += len(word)
        return word

    def expect(self, character: str) -> None:
        """Read one certain character."""
        if self.peek() != character:
            found = describe_value(self.peek()) if self.peek() else "the end"
            self.fail(f"Here should stand {character!r} (found {found}).")
        self.index += 1

    def fail(self, message: str) -> NoReturn:
        """Refuse what stands here."""
        raise WrongAssignment(message, self.offset)


def is_lost_by_helm(steps: tuple[Step, ...]) -> bool:
    """Tell whether Helm forgets an empty last value: that of a key in an item of a list."""
    *before, last = (step.name for step in steps)
    return isinstance(last, str) and any(isinstance(each, int) for each in before)


def unescaped(word: str) -> str:
    r"""Return a word without the backslashes that make the next character an ordinary one."""
    return ESCAPED.sub(r"\1", word)
