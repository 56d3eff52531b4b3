"""YAML text -> plain value, exactly as Helm reads it, or findings that say why not (section 9).

Only the event stream of the C parser is used: composing or loading untrusted text with it can
crash the process. The builder keeps its own stack, so depth costs memory that is bounded, never
the interpreter's stack.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias

from _ruamel_yaml import CParser
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from ruamel.yaml.reader import ReaderError

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
from engine.declaration.source_map import (
    ListNode,
    MappingNode,
    Node,
    Offset,
    Source,
    Sources,
    Span,
    Value,
    key_offset,
    value_offset,
    with_span,
)
from engine.findings import Finding

BYTE_ORDER_MARK: Final = "\ufeff"
MERGE: Final = "<<"

Event: TypeAlias = Any
"""An event of the parser, which is untyped."""


def read_yaml(text: str, file: str, start: Offset = 0) -> YamlDocument:
    """Return what `text` says; never raises, whatever the text is.

    `start` is the offset of its first character: where the text before it, if there is one, ends.
    """
    source = Source(text.removeprefix(BYTE_ORDER_MARK), file, start)
    builder = Builder(source)
    draft: Value = None
    root: Node = start
    with suppress(Stop):
        draft, root = builder.read(text)
    return YamlDocument(draft, root, Sources((source,)), tuple(builder.findings))


class Stop(Exception):
    """The document can't go on."""


class Scalars(dict[str, Scalar]):
    """The values of the plain scalars of one text: most of them are written again and again."""

    def __missing__(self, text: str) -> Scalar:
        value = self[text] = resolve_scalar(text)
        return value


class Anchored(NamedTuple):
    """What an anchor holds; `weight` counts its nodes, repetitions through aliases included."""

    value: Value
    node: Node
    weight: int


class Builder:
    """Turns events into values and their places, iteratively and within budgets."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.first = source.start
        self.findings: list[Finding] = []
        self.scalars = Scalars()
        self.anchors: dict[str, Anchored] = {}
        self.documents = OpenList(source.start, None, 0)
        self.top: OpenList | OpenMapping = self.documents
        self.outer: list[OpenList | OpenMapping] = []
        self.nodes = 0
        self.aliased = 0

    def read(self, text: str) -> tuple[Value, Node]:
        """Return the value and the places of the text's one document.

        Raises:
            Stop: the text can't be read on; `findings` tells why.

        """
        self.check_size(text)
        try:
            self.follow(CParser(text).get_event)
        except ReaderError as error:
            before = text.encode()[: error.position].decode(errors="ignore")
            self.stop_at_syntax(error.reason, len(before))
        except MarkedYAMLError as error:
            span = error.problem_mark or error.context_mark
            self.stop_at_syntax(error.problem or error.context, span.index if span else 0)
        except (YAMLError, ValueError) as error:
            self.stop_at_syntax(str(error).splitlines()[0], 0)
        stream = self.documents
        if stream.value in ([], [None]):
            return {}, MappingNode({}, self.first, {})
        return stream.value[0], stream.children[0]

    def follow(self, next_event: Callable[[], Event]) -> None:
        """Handle every event."""
        handlers: dict[type, Callable[[Event], None]] = {
            ScalarEvent: self.scalar,
            MappingStartEvent: self.start_mapping,
            SequenceStartEvent: self.start_list,
            MappingEndEvent: self.end,
            SequenceEndEvent: self.end,
            AliasEvent: self.alias,
            DocumentStartEvent: self.start_document,
            DocumentEndEvent: self.ignore,
            StreamStartEvent: self.ignore,
            StreamEndEvent: self.ignore,
        }
        while (event := next_event()) is not None:
            handlers[type(event)](event)

    def check_size(self, text: str) -> None:
        """Refuse what is not Unicode, or too much of it."""
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            at = self.first + error.start
            self.stop("syntax_error", f"The text is not Unicode: {error.reason}.", at)
        if size > limits.DOCUMENT_BYTES:
            message = f"The text has {size} bytes; at most {limits.DOCUMENT_BYTES} are read."
            self.stop("too_large", message, self.first)

    def complain(self, code: str, message: str, at: Offset) -> None:
        """Note a finding; too many of them end the document."""
        self.findings.append(Finding(code, message, self.source.location(at)))
        if len(self.findings) == limits.DOCUMENT_FINDINGS:
            self.stop("too_many_findings", "There is more; mend these first.", at)

    def stop(self, code: str, message: str, at: Offset) -> NoReturn:
        """Note a finding after which nothing more can be read."""
        self.findings.append(Finding(code, message, self.source.location(at)))
        raise Stop

    def stop_at_syntax(self, problem: str, index: int) -> NoReturn:
        """Note what the parser stumbled over at a character."""
        self.stop("syntax_error", f"This is not YAML: {problem}.", self.first + index)

    # --- events ---------------------------------------------------------------------------------

    def ignore(self, event: Event) -> None:
        """Do nothing: this event says nothing."""

    def start_document(self, event: Event) -> None:
        """Admit one document, without directives."""
        at = self.first + event.start_mark.index
        if self.documents.children:
            self.stop("not_one_document", "Helm reads one document only; remove this one.", at)
        if event.version or event.tags:
            self.stop("unsupported_directive", "Remove the % line; Helm does not need it.", at)

    def scalar(self, event: Event) -> None:
        """Add a scalar: a key where one is due, else a value."""
        at, text, plain = self.first + event.start_mark.index, event.value, event.implicit[0]
        if event.ctag is not None:
            self.refuse_tag(event.tag, at)
        top = self.top
        if isinstance(top, OpenMapping) and top.key_is_due:
            if plain:
                self.check_key(text, at)
            if text in top.value:
                self.check_repetition(top, text, at)
            top.start_entry(text, at, merging=plain and text == MERGE)
            return
        try:
            value = self.scalars[text] if plain else text
        except AmbiguousScalar as doubt:
            self.complain(doubt.code, str(doubt), at)
            value = text
        if event.anchor is not None:
            self.keep(event.anchor, Anchored(value, at, weight=1))
        self.add(value, top.key_span | at)

    def start_mapping(self, event: Event) -> None:
        """Open a mapping."""
        span = self.start(event)
        self.top = OpenMapping(span, event.anchor, self.nodes + self.aliased)

    def start_list(self, event: Event) -> None:
        """Open a list."""
        span = self.start(event)
        self.top = OpenList(span, event.anchor, self.nodes + self.aliased)

    def start(self, event: Event) -> Span:
        """Go one level deeper and return where."""
        at: Offset = self.first + event.start_mark.index
        if event.ctag is not None:
            self.refuse_tag(event.tag, at)
        if self.key_is_due():
            self.stop("non_string_key", "A key must be text, not a mapping or list.", at)
        if len(self.outer) == limits.DOCUMENT_DEPTH:
            self.stop("too_deep", f"This is nested deeper than {limits.DOCUMENT_DEPTH} levels.", at)
        self.outer.append(self.top)
        return self.top.key_span | at

    def end(self, _event: Event) -> None:
        """Close the innermost mapping or list and hand it to what holds it."""
        done = self.top
        self.top = self.outer.pop()
        if done.anchor is not None:
            weight = 1 + self.nodes + self.aliased - done.nodes_before
            self.keep(done.anchor, Anchored(done.value, done, weight))
        self.add(done.value, done)

    def alias(self, event: Event) -> None:
        """Repeat what an anchor holds, within the budget for repetition."""
        at = self.first + event.start_mark.index
        if self.key_is_due():
            self.stop("non_string_key", "An alias can't be a key; write the key out.", at)
        target = self.anchors.get(event.anchor)
        if target is None:
            self.stop("unknown_alias", f"There is no finished anchor &{event.anchor} above.", at)
        self.aliased += target.weight
        if self.aliased > limits.DOCUMENT_ALIAS_WEIGHT_NODES:
            self.stop("alias_bomb", "Aliases repeat too much; write less of it, or out.", at)
        self.add(target.value, with_span(target.node, self.top.key_span | at))

    # --- building -------------------------------------------------------------------------------

    def refuse_tag(self, tag: str, at: Offset) -> None:
        """Refuse an explicit tag: Helm's document of it is rarely what was meant."""
        message = f"Tags such as {describe_value(tag)} are not read; remove it, and quote text."
        self.complain("unsupported_tag", message, at)

    def key_is_due(self) -> bool:
        """Tell whether the next node is the key of a mapping."""
        return isinstance(self.top, OpenMapping) and self.top.key_is_due

    def check_key(self, key: str, at: Offset) -> None:
        """Refuse a plain key that some reader does not take for text."""
        try:
            is_text = isinstance(self.scalars[key], str)
        except AmbiguousScalar:
            is_text = False
        if not is_text:
            plain = key[:SHOWN_CHARACTERS] or "null"
            message = f"The key {plain} is not text to every reader; write {describe_value(key)}."
            self.complain("non_string_key", message, at)

    def check_repetition(self, top: OpenMapping, key: str, at: Offset) -> None:
        """Refuse a key that was written before; what a `<<` brought may be written again."""
        if top.merged and key in top.merged:
            top.merged.discard(key)
            return
        before = self.source.location(key_offset(top.children[key]))
        message = (
            f"{describe_value(key)} stands here twice (first at {before}); Helm keeps the last."
        )
        self.complain("duplicate_key", message, at)

    def add(self, value: Value, node: Node) -> None:
        """Count a finished node and hand it to what holds it."""
        self.nodes += 1
        if self.nodes > limits.DOCUMENT_NODES:
            message = f"There are more than {limits.DOCUMENT_NODES} values."
            self.stop("too_many_nodes", message, value_offset(node))
        top = self.top
        if isinstance(top, OpenMapping) and top.merging:
            top.merge(self.sources_of(node))
        else:
            top.add(value, node)

    def sources_of(self, node: Node) -> list[MappingNode]:
        """Return the mappings that a `<<` is to merge."""
        candidates = node.children if isinstance(node, ListNode) else [node]
        sources = [each for each in candidates if isinstance(each, MappingNode)]
        if len(sources) < len(candidates):
            message = "<< takes a mapping or a list of them."
            self.complain("merge_not_mapping", message, value_offset(node))
        return sources

    def keep(self, anchor: str, anchored: Anchored) -> None:
        """Remember what an anchor holds."""
        self.anchors[anchor] = anchored
        if len(self.anchors) > limits.DOCUMENT_ANCHORS:
            message = f"There are more than {limits.DOCUMENT_ANCHORS} anchors."
            self.stop("too_many_anchors", message, value_offset(anchored.node))
