"""The cost of an operation, with the sizes of lists that the request states."""

from collections.abc import Mapping

import pytest
from graphql import OperationDefinitionNode, build_schema, parse

from api.graphql.documents.cost import CostAnalysis
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
    "a list with an assumed size in the schema": ("{ four { id } }", {}, 1 + 4),
    "a list with a known length": ("{ counted { id } }", {"Query.counted": 70}, 1 + 70),
    "an empty list with a known length": ("{ counted { id } }", {"Query.counted": 0}, 1 + 1),
    "lists in a list with a known length": (
        "{ counted { parts { id } } }",
        {"Query.counted": 70},
        1 + 70 * (1 + 10),
    ),
    "lists in lists": ("{ list { parts { id } } }", {}, 1 + 10 * (1 + 10)),
    "a page counts by its default": ("{ page { nodes { id } } }", {}, 2 + 5),
    "a page counts by its argument": ("{ page(first: 3) { nodes { id } } }", {}, 2 + 3),
    "the list of a page has the size of the page": (
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
    "a list whose first is absent": ("{ few { id } }", {}, 1 + DEFAULT_PAGE_ITEMS),
    "an alias": (
        f"{{ few(first: 20) {{ {'n' * 5_000}: id }} }}",
        {},
        1 + 20 * (1 + 5),
    ),
    "null for first": ("{ few(first: null) { id } }", {}, 1 + DEFAULT_PAGE_ITEMS),
    "only last": ("query($n: Int) { few(last: $n) { id } }", {"n": 7}, 1 + 7),
    "the number of ids": ('{ some(ids: ["a", "b", "c"]) { nodes { id } } }', {}, 2 + 3),
    "the number of ids in a variable": (
        "query($ids: [ID!]!) { some(ids: $ids) { nodes { id } } }",
        {"ids": ["a"] * 100},
        2 + 100,
    ),
    "a field of the page counts once": ("{ page(first: 30) { total } }", {}, 2),
    "a field with a cost": ("{ page(first: 30) { total counted } }", {}, 2 + 50),
    "an object with a cost": ("{ heavy { id one { id } } }", {}, (1 + 7 + 1) + (1 + 7 + 1)),
    "an object with a cost in a list": (
        "{ page_of_heavy(first: 3) { id } }",
        {},
        1 + 3 * (7 + 1),
    ),
    "an object with a cost counts once with several selections": (
        "{ heavy { ...H id } } fragment H on Heavy { id ... on Heavy { id } }",
        {},
        1 + 7 + 3,
    ),
    "a negative page is one item": ("{ few(first: -8) { id } }", {}, 1 + 1),
    "a variable": ("query($n: Int) { few(first: $n) { id } }", {"n": 30}, 1 + 30),
    "an absent variable": (
        "query($n: Int) { page(first: $n) { nodes { id } } }",
        {},
        2 + 5,
    ),
    "a variable with null": (
        "query($n: Int) { page(first: $n) { nodes { id } } }",
        {"n": None},
        2 + 5,
    ),
    "variables multiply": (
        "query($n: Int, $m: Int) { page(first: $n) { nodes { page(last: $m) { nodes { id } } } } }",
        {"n": 30, "m": 4},
        2 + 30 * (2 + 4),
    ),
    "fragments count where they are spread": (
        (
            "{ page(first: 3) { ...P } few(first: 2) { ...I ... on Item { ...I } } } "
            "fragment P on Page { nodes { ...I } } fragment I on Item { id }"
        ),
        {},
        2 + 3 + 1 + 2 * 2,
    ),
    "a fragment with a variable that is spread twice": (
        (
            "query($n: Int) { a: one { ...I } b: few(first: 2) { ...I } } "
            "fragment I on Item { page(first: $n) { nodes { id } } }"
        ),
        {"n": 7},
        1.001 + 9 + 1.001 + 2 * 9,
    ),
    "fields of introspection are cheap": ("{ __schema { queryType { name } } }", {}, 3 * 0.2),
    "lists of introspection count by their length": (
        "{ __schema { types { name } } }",
        {},
        0.2 * (2 + len(SCHEMA.type_map)),
    ),
}


@pytest.mark.parametrize(("text", "variables", "points"), COSTS.values(), ids=COSTS)
def test_an_operation_costs_the_fields_that_it_can_return(
    text: str, variables: Mapping[str, object], points: float
) -> None:
    assert cost(text, variables) == pytest.approx(points)


def cost(text: str, variables: Mapping[str, object]) -> float:
    document = parse(text)
    (operation,) = (
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    )
    costs = CostAnalysis(SCHEMA, document, LIST_ITEMS, {"Query.counted"})
    return costs.operation(operation).total(variables)


def test_the_cost_of_doubling_fragments_is_computed_without_walking_each_path() -> None:
    levels = 20
    body = (
        "a: page(first: $n) {{ nodes {{ ...F{0} }} }} b: page(first: $n) {{ nodes {{ ...F{0} }} }}"
    )
    fragments = (f"fragment F{n} on Item {{ {body.format(n + 1)} }}" for n in range(levels))
    text = f"query($n: Int) {{ one {{ ...F0 }} }} {' '.join(fragments)} "
    assert cost(f"{text} fragment F{levels} on Item {{ id }}", {"n": 2}) > 4**levels
