"""Documents that are ready to execute: parsed, validated, priced and converted once, then cached.

A client's document passes these steps in order, and each step is safe because of those before it:
the size and the brackets of the text, graphql-core's parser, the depth, graphql-core's validation,
the cost, the conversion to Tartiflette's tree.
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

from api.graphql.documents.cost import Cost, CostAnalysis
from api.graphql.documents.depth import SelectionMetrics, measure_operations, operation_name
from api.graphql.documents.memory_estimate import max_memory_bytes
from api.graphql.documents.parse import parse_document
from api.graphql.documents.refused import RefusedDocuments
from api.graphql.documents.subscriptions import PreparedSubscription, prepare_subscriptions
from api.graphql.documents.variables import VariableDefinitions, condition_variables
from api.graphql.errors import (
    RequestError,
    RequestLimitExceeded,
    UnknownOperation,
    ValidationFailed,
)
from api.graphql.introspection import root_names, schema_part
from api.graphql.tartiflette.ast import tartiflette_document
from api.graphql.tartiflette.compiled_selections import ExecutableOperation, executable_operations
from api.limits import GraphQLLimits


@dataclass(frozen=True, slots=True)
class PreparedOperation:
    """One operation of a document.

    Attributes:
        name: None if the operation has no name.
        root_names: the response names of the root fields, if the operation selects the schema.
        metrics: shows whether the operation selects data, the schema, or both.
        executable: the operation for Tartiflette, without the fields of introspection.
        subscription: None for a query and for a mutation.

    """

    name: str | None
    kind: OperationType
    variables: VariableDefinitions
    cost: Cost
    root_names: tuple[str, ...]
    metrics: SelectionMetrics
    executable: ExecutableOperation
    subscription: PreparedSubscription | None


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A document whose operations can be executed.

    Attributes:
        schema_part: the fields of introspection, for graphql-core; None without such fields.
        operations: by name; None is the one without a name.
        conditions: the variables in the arguments of `@skip` and `@include`.
        max_memory_bytes: an upper bound of the memory that the document can use.

    """

    schema_part: DocumentNode | None
    operations: Mapping[str | None, PreparedOperation]
    conditions: frozenset[str]
    max_memory_bytes: int

    def operation(self, name: str | None) -> PreparedOperation:
        """Return the operation with a name, or the only operation.

        Raises:
            UnknownOperation: the document has no such operation, or has several and `name` is None.

        """
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        operation = self.operations.get(name)
        if operation is None:
            names = ", ".join(str(known) for known in self.operations if known) or "none"
            problem = "`operationName` is missing"
            if name is not None:
                problem = f"There is no operation {name!r}"
            raise UnknownOperation(f"{problem}; the document has: {names}.")
        return operation


class DocumentCache:
    """Prepares documents for one schema, and keeps those that were used or refused last.

    Args:
        schema: the schema.
        limits: bounds of each document, and of the cache.
        counted_lists: the fields whose lists have a known length, see `ListLengths`.
        viewer_fields: the fields whose resolvers read the viewer.

    """

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: GraphQLLimits,
        counted_lists: Collection[str] = (),
        viewer_fields: Collection[str] = (),
    ) -> None:
        self._schema = schema
        self._counted_lists = counted_lists
        self._viewer_fields = viewer_fields
        self._limits = limits
        self._rules = _bounded_rules(limits)
        self._documents: OrderedDict[str, PreparedDocument] = OrderedDict()
        self._bytes = 0
        self._refused = RefusedDocuments(limits.refused_documents, limits.document_bytes)

    def get(self, text: str) -> PreparedDocument:
        """Return a client's document, ready to execute.

        Raises:
            RequestError: the document is not valid, or exceeds a limit.

        """
        document = self._documents.get(text)
        if document is not None:
            self._documents.move_to_end(text)
            return document
        self._refused.check(text)
        try:
            document = self._prepare(text)
        except RequestError as error:
            self._refused.add(text, error)
            raise
        self._add(text, document)
        return document

    def _prepare(self, text: str) -> PreparedDocument:
        document = parse_document(text, self._limits)
        metrics = measure_operations(document, self._limits)
        self._validate(document)
        costs = CostAnalysis(
            self._schema, document, self._limits.assumed_list_items, self._counted_lists
        )
        conditions = condition_variables(document)
        executables = executable_operations(tartiflette_document(document), conditions)
        subscriptions = prepare_subscriptions(self._schema, document, self._viewer_fields)
        operations = {
            (name := operation_name(node)): PreparedOperation(
                name=name,
                kind=node.operation,
                variables=VariableDefinitions.of(self._schema, node.variable_definitions or ()),
                cost=costs.operation(node),
                root_names=root_names(document, node) if metrics[name].schema_fields else (),
                metrics=metrics[name],
                executable=executables[name],
                subscription=subscriptions.get(name),
            )
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        selects_schema = any(each.schema_fields for each in metrics.values())
        return PreparedDocument(
            schema_part=schema_part(document) if selects_schema else None,
            operations=operations,
            conditions=conditions,
            max_memory_bytes=max_memory_bytes(text, metrics.values(), conditions),
        )

    def _validate(self, document: DocumentNode) -> None:
        errors = validate(self._schema, document, self._rules, self._limits.reported_errors)
        problems = [error for error in errors if not isinstance(error, ValidationAbortedError)]
        if problems:
            raise ValidationFailed(*problems)
        if errors:
            bound = self._limits.overlap_comparisons
            message = f"Comparing the fields that overlap takes more than {bound:,} steps."
            raise RequestLimitExceeded(message, limit="overlap_comparisons", bound=bound)

    def _add(self, text: str, document: PreparedDocument) -> None:
        if document.max_memory_bytes > self._limits.prepared_documents_bytes:
            return
        self._documents[text] = document
        self._bytes += document.max_memory_bytes
        while (
            len(self._documents) > self._limits.prepared_documents
            or self._bytes > self._limits.prepared_documents_bytes
        ):
            _, oldest = self._documents.popitem(last=False)
            self._bytes -= oldest.max_memory_bytes


def _bounded_rules(limits: GraphQLLimits) -> tuple[type[ASTValidationRule], ...]:
    """Return the specification's rules, with a time limit and a smaller budget for overlaps."""

    class BoundedOverlaps(OverlappingFieldsCanBeMergedRule):
        """The library's rule; it aborts the validation when the budget is used up."""

        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = limits.overlap_comparisons

    class TimeLimit(ASTValidationRule):
        """Checks the time at every node, because a visitor cannot be interrupted from outside.

        The clock of the thread does not count the time that other processes use.
        """

        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.deadline = thread_time() + limits.validation_seconds

        def enter(self, *_node: object) -> None:
            """Raise RequestLimitExceeded if the time is used up."""
            if thread_time() > self.deadline:
                bound = limits.validation_seconds
                message = f"Validating the document takes longer than {bound:g} s."
                raise RequestLimitExceeded(message, limit="validation_seconds", bound=bound)

    overlaps = OverlappingFieldsCanBeMergedRule
    rules = (BoundedOverlaps if rule is overlaps else rule for rule in specified_rules)
    return (TimeLimit, *rules)
