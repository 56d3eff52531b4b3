"""Reads the text of a schema with graphql-core, for both engines.

graphql-core validates it: an undeclared directive, for example, would let Tartiflette start and
then break every query. Tartiflette gets a normalized text: extensions are merged, and directives
are removed, because `@deprecated` and `@specifiedBy` matter only to introspection, and `@oneOf` is
enforced before Tartiflette executes anything.
"""

from graphql import (
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    parse,
    print_ast,
    print_schema,
    validate_schema,
)
from graphql.language import REMOVE, Visitor, VisitorAction, visit

from api.graphql.registry import CustomScalar, Resolvers
from engine.errors import Misconfigured


def read_schema(text: str, resolvers: Resolvers) -> GraphQLSchema:
    """Return the schema that documents of clients are validated for.

    Raises:
        Misconfigured: the text is not a valid schema.

    """
    try:
        schema = build_schema(text)
    except (GraphQLError, TypeError) as error:
        raise Misconfigured(f"The GraphQL schema is not valid. {error}") from error
    problems = validate_schema(schema)
    if problems:
        raise Misconfigured("The GraphQL schema is not valid. " + " ".join(map(str, problems)))
    for name, scalar in resolvers.scalars.items():
        _implement_scalar(schema, name, scalar)
    return schema


def _implement_scalar(schema: GraphQLSchema, name: str, scalar: CustomScalar) -> None:
    """Make graphql-core check the values of a scalar with its implementation."""
    declared = schema.get_type(name)
    if not isinstance(declared, GraphQLScalarType):
        raise Misconfigured(f"The GraphQL schema declares no scalar {name}.")
    declared.coerce_input_value = scalar.parse
    declared.coerce_output_value = scalar.serialize


def tartiflette_sdl(schema: GraphQLSchema) -> str:
    """Return the part of the schema's text that Tartiflette needs to execute operations."""
    return print_ast(visit(parse(print_schema(schema)), _WithoutDirectives()))


class _WithoutDirectives(Visitor):
    def enter_directive(self, *_: object) -> VisitorAction:
        return REMOVE

    def enter_directive_definition(self, *_: object) -> VisitorAction:
        return REMOVE
