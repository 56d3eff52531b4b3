"""What an operation costs, counted with the sizes that the request gives."""

from collections.abc import Mapping

import pytest
from graphql import OperationDefinitionNode, build_schema, parse

from api.graphql.documents.cost import Pricing
from api.limits import DEFAULT_PAGE_ITEMS

LIST_ITEMS = 10

SCHEMA = build_schema("""
type Query {
  one: Item list: [Item!]! few(first: Int, last: Int): [Item]
  four: [Item!]! @listSize(assumedSize: 4) counted: [Item!]!
  some(ids: [ID!]!): Page page(first: Int = 5, last: Int): Page
}
type Item { id: ID tags: [String] parts: [Item] page(first: Int = 5, last: Int): Page }
type Page { edges: [Edge] nodes: [Item] total: Int counted: Int @cost(weight: "50") }
type Heavy @cost(weight: "7") { id: ID one: Heavy }
extend type Query { heavy: Heavy page_of_heavy(first: Int): [Heavy] }
directive @cost(weight: String!) on FIELD_DEFINITION | OBJECT
directive @listSize(assumedSize: Int!) on FIELD_DEFINITION
type Edge { node: Item }
""")

COSTS: dict[str, tuple[str, Mapping[str, object], float]] = {
    "a field": ("{ one { id } }", {}, 2),
    "a list of values is one field": ("{ one { tags } }", {}, 2),
    "a list counts as an assumed size": ("{ list { id } }", {}, 1 + 10),
    "a list that says how long it is": ("{ four { id } }", {}, 1 + 4),
    "a list that is counted": ("{ counted { id } }", {"Query.counted": 70}, 1 + 70),
    "a list that is counted, and empty": ("{ counted { id } }", {"Query.counted": 0}, 1 + 1),
    "lists in a list that is counted": (
        "{ counted { parts { id } } }",
        {"Query.counted": 70},
        1 + 70 * (1 + 10),
    ),
    "lists in lists": ("{ list { parts { id } } }", {}, 1 + 10 * (1 + 10)),
    "a page counts by its default": ("{ page { nodes { id } } }", {}, 2 + 5),
    "a page counts by its argument": ("{ page(first: 3) { nodes { id } } }", {}, 2 + 3),
    "the list of a page is that page": (
        "{ page(first: 3) { edges { node { id } } total } }",
        {},
        2 + 3 * 2 + 1,
    ),
    "a list in a page multiplies": (
        "{ page(first: 3) { nodes { parts { id } } } }",
        {},
        2 + 3 * (1 + 10),
    ),
    "the larger of first and last": ("{ few(first: 3, last: 7) { id } }", {}, 1 + 7),
    "a list with first": ("{ few(first: 2) { id } }", {}, 1 + 2),
    "a list with first that is not given": ("{ few { id } }", {}, 1 + DEFAULT_PAGE_ITEMS),
    "a name that a client gives": (
        f"{{ few(first: 20) {{ {'n' * 5_000}: id }} }}",
        {},
        1 + 20 * (1 + 5),
    ),
    "null for first": ("{ few(first: null) { id } }", {}, 1 + DEFAULT_PAGE_ITEMS),
    "last alone": ("query($n: Int) { few(last: $n) { id } }", {"n": 7}, 1 + 7),
    "as many ids": ('{ some(ids: ["a", "b", "c"]) { nodes { id } } }', {}, 2 + 3),
    "as many ids in a variable": (
        "query($ids: [ID!]!) { some(ids: $ids) { nodes { id } } }",
        {"ids": ["a"] * 100},
        2 + 100,
    ),
    "what is in a page once counts once": ("{ page(first: 30) { total } }", {}, 2),
    "a field may weigh more": ("{ page(first: 30) { total counted } }", {}, 2 + 50),
    "an object may weigh something": ("{ heavy { id one { id } } }", {}, (1 + 7 + 1) + (1 + 7 + 1)),
    "and counts as often as it is read": (
        "{ page_of_heavy(first: 3) { id } }",
        {},
        1 + 3 * (7 + 1),
    ),
    "once, whatever is asked of it": (
        "{ heavy { ...H id } } fragment H on Heavy { id ... on Heavy { id } }",
        {},
        1 + 7 + 3,
    ),
    "a negative page is one item": ("{ few(first: -8) { id } }", {}, 1 + 1),
    "a variable": ("query($n: Int) { few(first: $n) { id } }", {"n": 30}, 1 + 30),
    "a variable that is not given": (
        "query($n: Int) { page(first: $n) { nodes { id } } }",
        {},
        2 + 5,
    ),
    "a variable that is null": (
        "query($n: Int) { page(first: $n) { nodes { id } } }",
        {"n": None},
        2 + 5,
    ),
    "variables multiply": (
        "query($n: Int, $m: Int) { page(first: $n) { nodes { page(last: $m) { nodes { id } } } } }",
        {"n": 30, "m": 4},
        2 + 30 * (2 + 4),
    ),
    "fragments count in their place": (
        (
            "{ page(first: 3) { ...P } few(first: 2) { ...I ... on Item { ...I } } } "
            "fragment P on Page { nodes { ...I } } fragment I on Item { id }"
        ),
        {},
        2 + 3 + 1 + 2 * 2,
    ),
    "a fragment with a variable, in two places": (
        (
            "query($n: Int) { a: one { ...I } b: few(first: 2) { ...I } } "
            "fragment I on Item { page(first: $n) { nodes { id } } }"
        ),
        {"n": 7},
        1.001 + 9 + 1.001 + 2 * 9,
    ),
    "fields of the schema are cheap": ("{ __schema { queryType { name } } }", {}, 3 * 0.2),
    "the lists of the schema count by their length": (
        "{ __schema { types { name } } }",
        {},
        0.2 * (2 + len(SCHEMA.type_map)),
    ),
}


@pytest.mark.parametrize(("text", "variables", "points"), COSTS.values(), ids=COSTS)
def test_an_operation_costs_what_it_can_answer(
    text: str, variables: Mapping[str, object], points: float
) -> None:
    assert cost(text, variables) == pytest.approx(points)


def cost(text: str, variables: Mapping[str, object]) -> float:
    document = parse(text)
    (operation,) = (
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    )
    pricing = Pricing(SCHEMA, document, LIST_ITEMS, {"Query.counted"})
    return pricing.operation(operation).total(variables)


def test_fragments_that_double_are_priced_without_walking_each_path() -> None:
    levels = 20
    body = (
        "a: page(first: $n) {{ nodes {{ ...F{0} }} }} b: page(first: $n) {{ nodes {{ ...F{0} }} }}"
    )
    fragments = (f"fragment F{n} on Item {{ {body.format(n + 1)} }}" for n in range(levels))
    text = f"query($n: Int) {{ one {{ ...F0 }} }} {' '.join(fragments)} "
    assert cost(f"{text} fragment F{levels} on Item {{ id }}", {"n": 2}) > 4**levels
