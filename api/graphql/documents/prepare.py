"""Documents that are ready to execute: read, checked, priced and converted once, then kept.

A client's document passes here in this order, each step safe because of those before it: the
text's size and brackets, graphql-core's parser, the structure, graphql-core's validation against
the same schema, the price, the conversion.
"""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from time import thread_time

from graphql import (
    DocumentNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    specified_rules,
    validate,
)
from graphql.validation import (
    ASTValidationRule,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
)
from graphql.validation.validate import ValidationAbortedError

from api.graphql.documents.cost import Price, Pricing
from api.graphql.documents.depth import Measure, measure_operations, name_of
from api.graphql.documents.memory_estimate import bytes_at_most
from api.graphql.documents.parse import parse_document
from api.graphql.documents.variables import Variables, condition_variables, telling_variables
from api.graphql.errors import LimitExceeded, UnknownOperation, ValidationFailed
from api.graphql.introspection import schema_part
from api.graphql.tartiflette.ast import tartiflette_document
from api.graphql.tartiflette.compiled_selections import Executable, executables_of
from api.limits import GraphQLLimits


@dataclass(frozen=True, slots=True)
class PreparedOperation:
    """One operation of a document.

    Attributes:
        name: None if it has none.
        variables: what it declares.
        measure: tells whether it asks for data, for the schema, or for both.
        executable: as Tartiflette executes it, without the fields that ask for the schema.
        telling_variables: of a subscription, those that decide how an event is told.

    """

    name: str | None
    kind: OperationType
    variables: Variables
    price: Price
    measure: Measure
    executable: Executable
    telling_variables: frozenset[str]


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A document that any of its operations can be executed from.

    Attributes:
        schema_part: the fields that ask for the schema, as graphql-core executes them; None if
            there are none.
        operations: by name; None is the one without a name.
        conditions: the variables that `@skip` and `@include` ask.
        bytes_at_most: of memory that it may come to take.

    """

    schema_part: DocumentNode | None
    operations: Mapping[str | None, PreparedOperation]
    conditions: frozenset[str]
    bytes_at_most: int

    def operation(self, name: str | None) -> PreparedOperation:
        """Return the operation of that name, or the only one; else raise UnknownOperation."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        operation = self.operations.get(name)
        if operation is None:
            names = ", ".join(str(known) for known in self.operations if known) or "none"
            missing = "`operationName` is missing"
            wanted = missing if name is None else f"There is no operation {name!r}"
            raise UnknownOperation(f"{wanted}; the document has: {names}.")
        return operation


class Documents:
    """Prepares documents against one schema, and keeps the ones that were used last."""

    def __init__(
        self, schema: GraphQLSchema, limits: GraphQLLimits, counted_lists: Collection[str] = ()
    ) -> None:
        self._schema = schema
        self._counted_lists = counted_lists
        self._limits = limits
        self._rules = bounded_rules(limits)
        self._kept: OrderedDict[str, PreparedDocument] = OrderedDict()
        self._kept_bytes = 0

    def prepared(self, text: str) -> PreparedDocument:
        """Return a client's document, ready to execute; RequestRefused if it can't be."""
        document = self._kept.get(text)
        if document is None:
            document = self._prepare(text)
            self._keep(text, document)
        else:
            self._kept.move_to_end(text)
        return document

    def _prepare(self, text: str) -> PreparedDocument:
        document = parse_document(text, self._limits)
        measures = measure_operations(document, self._limits)
        self._validate(document)
        pricing = Pricing(
            self._schema, document, self._limits.assumed_list_items, self._counted_lists
        )
        conditions = condition_variables(document)
        executables = executables_of(tartiflette_document(document), conditions)
        operations = {
            name_of(node): PreparedOperation(
                name=name_of(node),
                kind=node.operation,
                variables=Variables.of(self._schema, node.variable_definitions or ()),
                price=pricing.operation(node),
                measure=measures[name_of(node)],
                executable=executables[name_of(node)],
                telling_variables=telling_variables(document, node),
            )
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        asks_schema = any(measure.schema_fields for measure in measures.values())
        return PreparedDocument(
            schema_part=schema_part(document) if asks_schema else None,
            operations=operations,
            conditions=conditions,
            bytes_at_most=bytes_at_most(text, measures.values(), conditions),
        )

    def _validate(self, document: DocumentNode) -> None:
        errors = validate(self._schema, document, self._rules, self._limits.reported_errors)
        problems = [error for error in errors if not isinstance(error, ValidationAbortedError)]
        if problems:
            raise ValidationFailed(*problems)
        if errors:
            bound = self._limits.overlap_comparisons
            message = f"Comparing the fields that overlap takes more than {bound:,} steps."
            raise LimitExceeded(message, limit="overlap_comparisons", bound=bound)

    def _keep(self, text: str, document: PreparedDocument) -> None:
        if document.bytes_at_most > self._limits.prepared_documents_bytes:
            return
        self._kept[text] = document
        self._kept_bytes += document.bytes_at_most
        while (
            len(self._kept) > self._limits.prepared_documents
            or self._kept_bytes > self._limits.prepared_documents_bytes
        ):
            _, oldest = self._kept.popitem(last=False)
            self._kept_bytes -= oldest.bytes_at_most


def bounded_rules(limits: GraphQLLimits) -> tuple[type[ASTValidationRule], ...]:
    """Return the specification's rules, within a time, and within a smaller budget for overlaps."""

    class BoundedOverlaps(OverlappingFieldsCanBeMergedRule):
        """The library's rule; it aborts the validation when the budget is spent."""

        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = limits.overlap_comparisons

    class InTime(ASTValidationRule):
        """Looks at the clock at every node, as nothing interrupts a visitor from outside.

        It is the clock of the thread: what a busy machine takes from it does not count.
        """

        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.deadline = thread_time() + limits.validation_seconds

        def enter(self, *_node: object) -> None:
            """Refuse the document if its time is over."""
            if thread_time() > self.deadline:
                bound = limits.validation_seconds
                message = f"Validating the document takes longer than {bound:g} s."
                raise LimitExceeded(message, limit="validation_seconds", bound=bound)

    overlaps = OverlappingFieldsCanBeMergedRule
    rules = (BoundedOverlaps if rule is overlaps else rule for rule in specified_rules)
    return (InTime, *rules)
