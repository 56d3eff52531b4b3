"""Messages about variables show the value as JSON, as the client sent it."""

from typing import Any, cast

import pytest
from graphql import OperationDefinitionNode, build_schema, parse

from api.graphql.documents.variables import VariableDefinitions
from api.graphql.errors import InvalidVariables

SCHEMA = build_schema("""
input Form { count: Int! flags: [Boolean!] }
enum Color { RED GREEN }
type Query { f(n: Int, color: Color, form: Form, text: String, list: [Int]): Int }
""")
[DEFINED] = parse("""
query ($n: Int!, $color: Color, $form: Form, $text: String, $list: [Int]) {
  f(n: $n, color: $color, form: $form, text: $text, list: $list)
}
""").definitions
VARIABLES = VariableDefinitions.of(
    SCHEMA, cast(OperationDefinitionNode, DEFINED).variable_definitions or ()
)

MESSAGES: dict[str, tuple[dict[str, Any], str]] = {
    "true": ({"n": True}, "Int cannot represent non-integer value: true."),
    "null": ({"n": None}, "Expected value of non-null type 'Int!' not to be null."),
    "a number": ({"n": 1.5}, "Int cannot represent non-integer value: 1.5."),
    "a text with quotes": (
        {"n": "a'b\"c"},
        r"""Int cannot represent non-integer value: "a'b\"c".""",
    ),
    "the text True": ({"n": "True"}, 'Int cannot represent non-integer value: "True".'),
    "a long text": ({"n": "x" * 500}, f'non-integer value: "{"x" * 199}….'),
    "an enum": ({"n": 1, "color": False}, "cannot represent non-string value: false."),
    "an object": (
        {"n": 1, "text": {"a": None, "b": [True]}},
        'String cannot represent a non string value: {"a":null,"b":[true]}.',
    ),
    "an item of a list": ({"n": 1, "list": [1, False]}, "non-integer value: false."),
    "a field": ({"n": 1, "form": {"count": None}}, "'Int!' not to be null."),
    "an item of a field": ({"n": 1, "form": {"count": 1, "flags": [None]}}, "not to be null."),
    "an unknown field": (
        {"n": 1, "form": {"count": 1, "x": True}},
        """not to include unknown field 'x', found: {"count":1,"x":true}.""",
    ),
}


@pytest.mark.parametrize(("given", "message"), MESSAGES.values(), ids=MESSAGES)
def test_a_message_shows_the_value_as_json(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidVariables) as refused:
        VARIABLES.coerce(given, 5)
    [problem] = refused.value.problems
    assert problem.message.endswith(message)
