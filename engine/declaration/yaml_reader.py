"""Reads YAML text exactly as Helm does, or returns findings.

Uses only the event stream of the C parser, because composing or loading untrusted text with it can
crash the process. The builder has its own stack, so that nesting cannot exhaust that of Python.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias

from yaml import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    MarkedYAMLError,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    YAMLError,
)
from yaml._yaml import CParser
from yaml.reader import ReaderError

from engine import limits
from engine.declaration.builders import OpenList, OpenMapping
from engine.declaration.document import YamlDocument
from engine.declaration.scalars import (
    SHOWN_CHARACTERS,
    AmbiguousScalar,
    Scalar,
    describe_value,
    resolve_scalar,
)
from engine.declaration.section_findings import MERGE_KEY, KeyPath, SectionFindings
from engine.declaration.source_map import (
    ListNode,
    MappingNode,
    Node,
    Offset,
    Source,
    Sources,
    Value,
    key_offset,
    value_offset,
    with_span,
)
from engine.findings import Finding
from engine.invisible_characters import describe_invisible, strip_invisible

TOO_MANY_FINDINGS: Final = "There are more findings; fix these first."

_MISPLACED_BYTE_ORDER_MARK: Final = re.compile("[\n\r]\ufeff")
"""Helm reads it as a part of the key, but the parser skips it."""

_TEMPLATE: Final = (
    "Helm does not evaluate templates in values files. Replace {{ … }} by a value, or quote it."
)
_CODES_OF_TEMPLATES: Final = frozenset({"syntax_error", "non_string_key"})
"""The errors that a template causes: `{{` begins a mapping that is the key of another one."""

Event: TypeAlias = Any
"""An event of the parser, which is untyped."""


def read_yaml(
    text: str, file: str, start: Offset = 0, section: tuple[str, ...] = ()
) -> YamlDocument:
    """Read a text; errors become findings.

    Args:
        text: the text, which can come from an untrusted source.
        file: its name for locations.
        start: the offset of its first character, if other texts of the document precede it.
        section: the path of the only part whose values are judged; by default everything.

    """
    source = Source(text.removeprefix("\ufeff"), file, start)
    builder = _Builder(source, section)
    draft: Value = None
    root: Node = start
    with suppress(_StopReading):
        draft, root = builder.read(text)
    return YamlDocument(draft, root, Sources((source,)), tuple(builder.findings.kept))


class _StopReading(Exception):
    """The rest of the text cannot be read."""


class _ResolvedScalars(dict[str, Scalar]):
    """A cache of the values of plain scalars, because most of them are repeated."""

    def __missing__(self, text: str) -> Scalar:
        value = self[text] = resolve_scalar(text)
        return value


class _Anchored(NamedTuple):
    """The value of an anchor. `weight` is the number of its nodes after expanding aliases."""

    value: Value
    node: Node
    weight: int


class _Builder:
    """Builds values and their positions from events, iteratively and within limits."""

    def __init__(self, source: Source, section: tuple[str, ...]) -> None:
        self.source = source
        self.base = source.start
        self.findings = SectionFindings(section)
        self.scalars = _ResolvedScalars()
        self.good_keys: set[str] = set()
        self.anchors: dict[str, _Anchored] = {}
        self.documents = OpenList(source.start, None, 0)
        self.top: OpenList | OpenMapping = self.documents
        self.outer: list[OpenList | OpenMapping] = []
        self.nodes = 0
        self.aliased = 0

    def read(self, text: str) -> tuple[Value, Node]:
        """Return the value and the positions of the only document in the text.

        Raises:
            _StopReading: the text cannot be read; `findings` contains the error.

        """
        self.check_text(text)
        try:
            self.handle_events(CParser(text).get_event)
        except ReaderError as error:
            before = text.encode()[: error.position].decode(errors="ignore")
            self.stop_at_syntax(error.reason, len(before))
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.stop_at_syntax(error.problem or str(error.context), mark.index if mark else 0)
        except (YAMLError, ValueError) as error:
            self.stop_at_syntax(str(error).splitlines()[0], 0)
        stream = self.documents
        if stream.value in ([], [None]):
            return {}, MappingNode({}, self.base, {})
        return stream.value[0], stream.children[0]

    def handle_events(self, next_event: Callable[[], Event]) -> None:
        """Handle all events."""
        handlers: dict[type, Callable[[Event], None]] = {
            ScalarEvent: self.scalar,
            MappingStartEvent: partial(self.start, OpenMapping),
            SequenceStartEvent: partial(self.start, OpenList),
            MappingEndEvent: self.end,
            SequenceEndEvent: self.end,
            AliasEvent: self.alias,
            DocumentStartEvent: self.start_document,
        }
        while (event := next_event()) is not None:
            if handler := handlers.get(type(event)):
                handler(event)

    def check_text(self, text: str) -> None:
        """Reject a text that is not Unicode, too large, or has a byte order mark in the middle."""
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            at = self.base + error.start
            self.stop("syntax_error", f"The text is not valid Unicode: {error.reason}.", at)
        if size > limits.DOCUMENT_BYTES:
            message = f"The text has {size} bytes; the limit is {limits.DOCUMENT_BYTES}."
            self.stop("too_large", message, self.base)
        if mark := _MISPLACED_BYTE_ORDER_MARK.search(self.source.text):
            message = "The line begins with the invisible character U+FEFF; remove it."
            self.stop("invisible_character", message, self.base + mark.end() - 1)

    def report(
        self, code: str, message: str, at: Offset, key: str | None = None, anchor: str | None = None
    ) -> None:
        """Record a finding about a key or a value, and the anchor that the value has."""
        finding = Finding(code, message, self.source.location(at))
        self.record([finding], at, self.path(key), anchor)

    def record(
        self, findings: list[Finding], at: Offset, path: KeyPath, anchor: str | None
    ) -> None:
        """Record the findings that concern the section; stop after too many."""
        around = (each.anchor for each in (*self.outer, self.top))
        self.findings.add(findings, path, [each for each in (*around, anchor) if each is not None])
        if len(self.findings.kept) >= limits.DOCUMENT_FINDINGS:
            del self.findings.kept[limits.DOCUMENT_FINDINGS :]
            self.stop("too_many_findings", TOO_MANY_FINDINGS, at)

    def path(self, key: str | None = None) -> KeyPath:
        """Return the path of the current value, or of the key that is read."""
        _stream, *around = (*self.outer, self.top)
        keys = [each.key if isinstance(each, OpenMapping) else None for each in around]
        return tuple(keys) if key is None else (*keys[:-1], strip_invisible(key))

    def stop(self, code: str, message: str, at: Offset) -> NoReturn:
        """Record a finding and stop reading."""
        if code in _CODES_OF_TEMPLATES and (begin := self.source.find_before("{{", at)) is not None:
            code, message, at = "template", _TEMPLATE, begin
        self.findings.kept.append(Finding(code, message, self.source.location(at)))
        raise _StopReading

    def stop_at_syntax(self, problem: str, index: int) -> NoReturn:
        """Record a syntax error and stop reading."""
        self.stop("syntax_error", f"The text is not valid YAML: {problem}.", self.base + index)

    # --- events ---------------------------------------------------------------------------------

    def start_document(self, event: Event) -> None:
        """Accept one document without directives."""
        at = self.base + event.start_mark.index
        if self.documents.children:
            self.stop("not_one_document", "Helm reads only one document; remove this one.", at)
        if event.version or event.tags:
            message = "Directives are not supported; remove the % line."
            self.stop("unsupported_directive", message, at)

    def scalar(self, event: Event) -> None:
        """Add a scalar, as a key if one is due, otherwise as a value."""
        at, text, plain = self.base + event.start_mark.index, event.value, event.implicit[0]
        top = self.top
        if isinstance(top, OpenMapping) and top.key_is_due:
            if event.tag is not None:
                self.reject_tag(event.tag, at, key=text)
            if not plain or text not in self.good_keys:
                self.check_key(text, at, plain=plain)
            if text in top.value:
                self.check_repetition(top, text, at)
            top.start_entry(text, at, merging=plain and text == MERGE_KEY)
            return
        if event.tag is not None:
            self.reject_tag(event.tag, at, anchor=event.anchor)
        try:
            value = self.scalars[text] if plain else text
        except AmbiguousScalar as error:
            self.report(error.code, str(error), at, anchor=event.anchor)
            value = text
        if event.anchor is not None:
            self.keep(event.anchor, _Anchored(value, at, weight=1))
        self.add(value, top.key_span | at)

    def start(self, container: type[OpenList | OpenMapping], event: Event) -> None:
        """Start a list or a mapping."""
        at: Offset = self.base + event.start_mark.index
        if event.tag is not None:
            self.reject_tag(event.tag, at, anchor=event.anchor)
        if self.key_is_due():
            self.stop("non_string_key", "A key must be text, not a mapping or a list.", at)
        if len(self.outer) == limits.DOCUMENT_DEPTH:
            self.stop("too_deep", f"The limit is {limits.DOCUMENT_DEPTH} levels of nesting.", at)
        self.outer.append(self.top)
        span = self.top.key_span | at
        self.top = container(span, event.anchor, self.nodes + self.aliased)

    def end(self, _event: Event) -> None:
        """End the innermost mapping or list and add it to its parent."""
        done = self.top
        self.top = self.outer.pop()
        if done.anchor is not None:
            weight = 1 + self.nodes + self.aliased - done.nodes_before
            self.keep(done.anchor, _Anchored(done.value, done, weight))
        self.add(done.value, done)

    def alias(self, event: Event) -> None:
        """Add the value of an anchor again, within the limit for aliases."""
        at = self.base + event.start_mark.index
        if self.key_is_due():
            self.stop("non_string_key", "An alias cannot be a key; write the key instead.", at)
        target = self.anchors.get(event.anchor)
        if target is None:
            self.stop("unknown_alias", f"There is no anchor &{event.anchor} before this.", at)
        self.aliased += target.weight
        if self.aliased > limits.DOCUMENT_ALIAS_WEIGHT_NODES:
            self.stop("alias_bomb", "The aliases repeat too many values; use fewer aliases.", at)
        if findings := self.findings.of_anchor(event.anchor):
            self.record(findings, at, self.path(), anchor=None)
        self.add(target.value, with_span(target.node, self.top.key_span | at))

    # --- building -------------------------------------------------------------------------------

    def reject_tag(
        self, tag: str, at: Offset, key: str | None = None, anchor: str | None = None
    ) -> None:
        """Reject an explicit tag, because Helm rarely reads it as intended."""
        message = f"The tag {describe_value(tag)} is not supported; remove it, and quote text."
        self.report("unsupported_tag", message, at, key, anchor)

    def key_is_due(self) -> bool:
        """Return whether the next node is the key of a mapping."""
        return isinstance(self.top, OpenMapping) and self.top.key_is_due

    def check_key(self, key: str, at: Offset, *, plain: bool) -> None:
        """Reject a key with invisible edges, and a plain one that some parsers read as no text."""
        if (not key.isascii() or key != key.strip()) and strip_invisible(key) != key:
            message = (
                f"The key {describe_value(key)} begins or ends with the invisible character"
                f" {describe_invisible(key)}; remove it."
            )
            self.report("invisible_character", message, at, key)
        elif plain and not self.is_text(key):
            text = key[:SHOWN_CHARACTERS] or "null"
            message = f"Only some parsers read the key {text} as text; write {describe_value(key)}."
            self.report("non_string_key", message, at, key)
        elif plain:
            self.good_keys.add(key)

    def is_text(self, plain: str) -> bool:
        """Return whether all parsers read a plain scalar as text."""
        try:
            return isinstance(self.scalars[plain], str)
        except AmbiguousScalar:
            return False

    def check_repetition(self, top: OpenMapping, key: str, at: Offset) -> None:
        """Reject a repeated key. A key from a `<<` can be repeated once, to override it."""
        if top.merged and key in top.merged:
            top.merged.discard(key)
            return
        before = self.source.location(key_offset(top.children[key]))
        message = f"The key {describe_value(key)} is already at {before}; Helm uses only the last."
        self.report("duplicate_key", message, at, key)

    def add(self, value: Value, node: Node) -> None:
        """Count a complete node and add it to its parent."""
        self.nodes += 1
        if self.nodes > limits.DOCUMENT_NODES:
            message = f"The limit is {limits.DOCUMENT_NODES} values."
            self.stop("too_many_nodes", message, value_offset(node))
        top = self.top
        if isinstance(top, OpenMapping) and top.merging:
            top.merge(self.sources_of(node))
        else:
            top.add(value, node)

    def sources_of(self, node: Node) -> list[MappingNode]:
        """Return the mappings that a `<<` merges."""
        candidates = node.children if isinstance(node, ListNode) else [node]
        sources = [each for each in candidates if isinstance(each, MappingNode)]
        if len(sources) < len(candidates):
            message = "The value of << must be a mapping or a list of mappings."
            self.report("merge_not_mapping", message, value_offset(node))
        return sources

    def keep(self, anchor: str, anchored: _Anchored) -> None:
        """Store the value of an anchor."""
        self.anchors[anchor] = anchored
        if len(self.anchors) > limits.DOCUMENT_ANCHORS:
            message = f"The limit is {limits.DOCUMENT_ANCHORS} anchors."
            self.stop("too_many_anchors", message, value_offset(anchored.node))
