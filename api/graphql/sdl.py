"""A schema's text, read once by graphql-core for both engines.

graphql-core judges it: an undeclared directive, for one, would let Tartiflette start and then break
every query. Tartiflette gets it normalised: extensions merged, and no directives, because those
that describe (`@deprecated`, `@specifiedBy`) matter to introspection only and those that constrain
(`@oneOf`) are enforced before it executes anything.
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
    """Return the schema that clients are validated against; Misconfigured if it is not valid."""
    try:
        schema = build_schema(text)
    except (GraphQLError, TypeError) as error:
        raise Misconfigured(f"The GraphQL schema is not valid. {error}") from error
    problems = validate_schema(schema)
    if problems:
        raise Misconfigured("The GraphQL schema is not valid. " + " ".join(map(str, problems)))
    for name, scalar in resolvers.scalars.items():
        implement_scalar(schema, name, scalar)
    return schema


def implement_scalar(schema: GraphQLSchema, name: str, scalar: CustomScalar) -> None:
    """Let graphql-core check the values of a scalar as its resolvers will read them."""
    declared = schema.get_type(name)
    if not isinstance(declared, GraphQLScalarType):
        raise Misconfigured(f"The GraphQL schema declares no scalar {name}.")
    declared.coerce_input_value = scalar.parse
    declared.coerce_output_value = scalar.serialize


def tartiflette_sdl(schema: GraphQLSchema) -> str:
    """Return the schema's text with all that Tartiflette needs to execute, and no more."""
    return print_ast(visit(parse(print_schema(schema)), WithoutDirectives()))


class WithoutDirectives(Visitor):
    """Removes directives and their definitions."""

    def enter_directive(self, *_: object) -> VisitorAction:
        """Remove a directive."""
        return REMOVE

    def enter_directive_definition(self, *_: object) -> VisitorAction:
        """Remove a directive's definition."""
        return REMOVE
