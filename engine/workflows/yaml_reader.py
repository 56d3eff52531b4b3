"""YAML text -> plain value, exactly as Helm reads it, or findings that say why not (section 9).

Only the event stream of the C parser is used: composing or loading untrusted text with it can
crash the process. The builder keeps its own stack, so depth costs memory that is bounded, never
the interpreter's stack.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, TypeAlias

from _ruamel_yaml import CParser
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from engine import limits
from engine.findings import Finding, Location
from engine.workflows.scalars import Doubtful, Scalar, resolve

Value: TypeAlias = "Scalar | list[Value] | dict[str, Value]"
Path: TypeAlias = tuple[str | int, ...]

MERGE: Final = "<<"
COLUMN_BITS: Final = 32
COLUMN_MASK: Final = (1 << COLUMN_BITS) - 1
BEGINNING: Final = 0


def place(spot: int, file: str) -> Location:
    """Return a spot (line and column from 0 in one integer) as a location."""
    return Location(file, (spot >> COLUMN_BITS) + 1, (spot & COLUMN_MASK) + 1)


@dataclass(slots=True)
class Node:
    """A value and where it, and everything in it, was written.

    Attributes:
        parts: the nodes of a mapping by key or of a list by position; empty for a scalar.
        spot: where it stands; an integer, because objects by the hundred thousand would keep the
            garbage collector busy for longer than the reading takes.
        keys: the spots of a mapping's keys; None for anything else.
        weight: how many nodes it stands for, itself and repetitions through aliases included.

    """

    value: Value
    spot: int
    parts: dict[str, "Node"] | list["Node"] | None = None
    keys: dict[str, int] | None = None
    weight: int = 1


class Stop(Exception):
    """The reading can't go on."""


@dataclass(frozen=True, slots=True)
class Places(Mapping[Path, Location]):
    """The places of a reading by path, looked up by walking the nodes: nothing is built ahead."""

    root: Node
    file: str
    of_keys: bool = False

    def __getitem__(self, path: Path) -> Location:
        """Return the place of the value (or of the key) that `path` leads to."""
        if not self.of_keys:
            return place(walk(self.root, path).spot, self.file)
        if not path:
            raise KeyError(path)
        keys = walk(self.root, path[:-1]).keys or {}
        return place(keys[str(path[-1])], self.file)

    def __iter__(self) -> Iterator[Path]:
        waiting: list[tuple[Path, Node]] = [((), self.root)]
        for path, node in waiting:
            steps = enumerate(node.parts) if isinstance(node.parts, list) else None
            children: list[tuple[str | int, Node]] = list(
                steps if steps is not None else (node.parts or {}).items()  # type: ignore[union-attr]  # a list has steps
            )
            waiting += [((*path, step), child) for step, child in children]
            yield from (((*path, key)) for key in node.keys or ()) if self.of_keys else (path,)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says.

    Attributes:
        value: exactly what Helm reads; None where the findings made it unreadable.
        key_places: where each key of a mapping stands; the path ends in that key.
        value_places: where each value stands; the root's path is empty.
        findings: errors; none means that `value` can be trusted.

    """

    value: Value
    key_places: Mapping[Path, Location]
    value_places: Mapping[Path, Location]
    findings: tuple[Finding, ...]


def walk(node: Node, path: Path) -> Node:
    """Return the node that `path` leads to from `node`; KeyError if there is none."""
    for step in path:
        parts = node.parts
        if isinstance(parts, list) and isinstance(step, int) and 0 <= step < len(parts):
            node = parts[step]
        elif isinstance(parts, dict) and step in parts:
            node = parts[str(step)]
        else:
            raise KeyError(path)
    return node


def read_yaml(text: str, file: str) -> Reading:
    """Return what `text` says; never raises, whatever the text is."""
    builder = Builder(file)
    root = Node({}, BEGINNING, {}, {})
    with suppress(Stop):
        root = builder.root_of(text) or root
    value = None if builder.findings else root.value
    findings = tuple(builder.findings)
    return Reading(value, Places(root, file, of_keys=True), Places(root, file), findings)


@dataclass(slots=True)
class Open:
    """A mapping or list that is being read."""

    node: Node
    anchor: str | None
    key: str | None = None
    key_spot: int = BEGINNING
    merging: bool = False
    merged: set[str] = field(default_factory=set)


def spot_of(mark: Any) -> int:  # noqa: ANN401 - the parser is untyped
    """Return where a mark of the parser stands."""
    spot: int = mark.line << COLUMN_BITS | mark.column
    return spot


class Builder:
    """Turns events into nodes, iteratively and within budgets."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self.stack: list[Open] = []
        self.anchors: dict[str, Node] = {}
        self.root: Node | None = None
        self.documents = 0
        self.nodes = 0
        self.aliased = 0

    def root_of(self, text: str) -> Node | None:
        """Return the root node of the text's one document.

        Raises:
            Stop: the text can't be read on; `findings` tells why.

        """
        parser = self.parser_of(text)
        handlers = self.handlers()
        while True:
            event = self.next_event(parser)
            handle = handlers.get(type(event))
            if handle is not None:
                handle(event)
            elif type(event) is StreamEndEvent:
                return None if self.root is None or self.root.value is None else self.root

    def handlers(self) -> dict[type, Callable[[Any], None]]:
        """Return what to do for each kind of event that says something."""
        return {
            ScalarEvent: self.scalar,
            MappingStartEvent: self.start_mapping,
            SequenceStartEvent: self.start_sequence,
            MappingEndEvent: self.end,
            SequenceEndEvent: self.end,
            AliasEvent: self.alias,
            DocumentStartEvent: self.start_document,
        }

    def parser_of(self, text: str) -> CParser:
        """Return the C parser over `text`, if its size and characters allow one."""
        try:
            size = len(text.encode("utf-8"))
        except UnicodeEncodeError as error:
            self.stop("syntax_error", f"The text is not Unicode: {error.reason}.")
        if size > limits.DOCUMENT_BYTES:
            message = f"The text has {size} bytes; at most {limits.DOCUMENT_BYTES} are read."
            self.stop("too_large", message)
        return CParser(text)

    def next_event(self, parser: CParser) -> Any:  # noqa: ANN401 - the parser is untyped
        """Return the parser's next event."""
        try:
            return parser.get_event()
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            at = spot_of(mark) if mark else BEGINNING
            self.stop("syntax_error", f"This is not YAML: {error.problem or error.context}.", at)
        except (YAMLError, ValueError) as error:
            self.stop("syntax_error", f"This is not YAML: {str(error).splitlines()[0]}.")

    def complain(self, code: str, message: str, at: int = BEGINNING) -> None:
        """Note a finding; too many of them end the reading."""
        self.findings.append(Finding(code, message, place(at, self.file)))
        if len(self.findings) == limits.DOCUMENT_FINDINGS:
            self.stop("too_many_findings", "There is more; mend these first.", at)

    def stop(self, code: str, message: str, at: int = BEGINNING) -> NoReturn:
        """Note a finding after which nothing more can be read."""
        self.findings.append(Finding(code, message, place(at, self.file)))
        raise Stop

    # --- events ---------------------------------------------------------------------------------

    def start_document(self, event: Any) -> None:  # noqa: ANN401 - the parser is untyped
        """Admit one document, without directives."""
        self.documents += 1
        at = spot_of(event.start_mark)
        if self.documents > 1:
            self.stop("not_one_document", "Helm reads one document only; remove this one.", at)
        if event.version or event.tags:
            self.stop("unsupported_directive", "Remove the % line; Helm does not need it.", at)

    def scalar(self, event: Any) -> None:  # noqa: ANN401 - the parser is untyped
        """Add a scalar: a key where one is due, else a value."""
        at = spot_of(event.start_mark)
        self.check_tag(event, at)
        plain = event.implicit[0]
        if self.key_is_due():
            self.start_key(event.value, at, plain=plain)
            return
        self.add(Node(self.resolved(event.value, at) if plain else event.value, at), event.anchor)

    def start_mapping(self, event: Any) -> None:  # noqa: ANN401 - the parser is untyped
        """Open a mapping."""
        self.open(event, Node({}, spot_of(event.start_mark), {}, {}))

    def start_sequence(self, event: Any) -> None:  # noqa: ANN401 - the parser is untyped
        """Open a list."""
        self.open(event, Node([], spot_of(event.start_mark), []))

    def end(self, _event: object) -> None:
        """Close the innermost mapping or list and hand it to what holds it."""
        done = self.stack.pop()
        self.add(done.node, done.anchor)

    def alias(self, event: Any) -> None:  # noqa: ANN401 - the parser is untyped
        """Repeat what an anchor holds, within the budget for repetition."""
        at = spot_of(event.start_mark)
        if self.key_is_due():
            self.stop("non_string_key", "An alias can't be a key; write the key out.", at)
        target = self.anchors.get(event.anchor)
        if target is None:
            self.stop("unknown_alias", f"There is no finished anchor &{event.anchor} above.", at)
        self.aliased += target.weight
        if self.aliased > limits.DOCUMENT_ALIAS_WEIGHT_NODES:
            self.stop("alias_bomb", "Aliases repeat too much; write less of it, or out.", at)
        self.add(Node(target.value, at, target.parts, target.keys, target.weight), None)

    # --- building -------------------------------------------------------------------------------

    def key_is_due(self) -> bool:
        """Tell whether the next node is the key of a mapping."""
        return bool(self.stack) and self.stack[-1].key is None and self.in_mapping()

    def in_mapping(self) -> bool:
        """Tell whether the innermost open node is a mapping."""
        return isinstance(self.stack[-1].node.parts, dict)

    def check_tag(self, event: Any, at: int) -> None:  # noqa: ANN401 - the parser is untyped
        """Refuse an explicit tag: Helm's reading of it is rarely what was meant."""
        if event.tag:
            message = f"Tags such as {event.tag!r} are not read; remove it, and quote text."
            self.complain("unsupported_tag", message, at)

    def resolved(self, text: str, at: int) -> Scalar:
        """Return the value of a plain scalar, noting a doubtful one."""
        try:
            return resolve(text)
        except Doubtful as doubt:
            self.complain(doubt.code, str(doubt), at)
            return text

    def open(self, event: Any, node: Node) -> None:  # noqa: ANN401 - the parser is untyped
        """Begin a mapping or list."""
        self.check_tag(event, node.spot)
        if self.key_is_due():
            self.stop("non_string_key", "A key must be text, not a mapping or list.", node.spot)
        if len(self.stack) == limits.DOCUMENT_DEPTH:
            message = f"This is nested deeper than {limits.DOCUMENT_DEPTH} levels."
            self.stop("too_deep", message, node.spot)
        self.stack.append(Open(node, event.anchor))

    def start_key(self, text: str, at: int, *, plain: bool) -> None:
        """Begin an entry of a mapping."""
        if plain and text != MERGE:
            self.check_key(text, at)
        top = self.stack[-1]
        first = top.node.keys.get(text)  # type: ignore[union-attr]  # a mapping has keys
        if first is not None and text not in top.merged:
            before = place(first, self.file)
            message = f"{text!r} stands here twice (first at {before}); Helm would keep the last."
            self.complain("duplicate_key", message, at)
        top.key, top.key_spot, top.merging = text, at, plain and text == MERGE
        top.merged.discard(text)

    def check_key(self, text: str, at: int) -> None:
        """Refuse a plain key that some reader does not take for text."""
        try:
            is_text = isinstance(resolve(text), str)
        except Doubtful:
            is_text = False
        if not is_text:
            message = f"The key {text or 'null'} is not text to every reader; write {text!r}."
            self.complain("non_string_key", message, at)

    def add(self, node: Node, anchor: str | None) -> None:
        """Hand a finished node to what holds it."""
        self.count(node)
        if anchor:
            self.keep(anchor, node)
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        top.node.weight += node.weight
        if isinstance(top.node.parts, list):
            top.node.parts.append(node)
            top.node.value.append(node.value)  # type: ignore[union-attr]  # a list's value is a list
        elif top.merging:
            self.merge(top, node)
        else:
            self.put(top, str(top.key), node)
        top.key = None

    def put(self, top: Open, key: str, node: Node) -> None:
        """Set an entry of the mapping that is being read."""
        top.node.parts[key] = node  # type: ignore[index,call-overload]  # a mapping has parts by key
        top.node.value[key] = node.value  # type: ignore[index,call-overload]  # likewise
        top.node.keys[key] = top.key_spot  # type: ignore[index]  # likewise

    def merge(self, top: Open, node: Node) -> None:
        """Carry out `<<`: of several mappings the first wins, over what was written before it."""
        sources = node.parts if isinstance(node.parts, list) else [node]
        for source in reversed(sources):
            if not isinstance(source.parts, dict):
                self.complain(
                    "merge_not_mapping", "<< takes a mapping or a list of them.", node.spot
                )
                return
            for key, part in source.parts.items():
                self.put(top, key, part)
                top.merged.add(key)

    def count(self, node: Node) -> None:
        """Keep the number of nodes within its budget."""
        self.nodes += 1
        if self.nodes > limits.DOCUMENT_NODES:
            message = f"There are more than {limits.DOCUMENT_NODES} values."
            self.stop("too_many_nodes", message, node.spot)

    def keep(self, anchor: str, node: Node) -> None:
        """Remember what an anchor holds."""
        self.anchors[anchor] = node
        if len(self.anchors) > limits.DOCUMENT_ANCHORS:
            message = f"There are more than {limits.DOCUMENT_ANCHORS} anchors."
            self.stop("too_many_anchors", message, node.spot)
