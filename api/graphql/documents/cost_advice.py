"""Why an operation costs too much, and which argument reduces its cost."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.graphql.documents.cost import Cost, ListLengths


@dataclass(frozen=True, slots=True)
class CostliestList:
    """The list that most of the points of an operation belong to.

    Attributes:
        path: the response names from the root to the list, such as `tickets.nodes.history`.
        points: what the list costs, with everything that is selected of its items.
        remedy: the field with the argument that brings the operation within the limit, such as
            `history(last: 40)`; empty if no number of items does.

    """

    path: str
    points: float
    remedy: str

    def __str__(self) -> str:
        advice = f"Request `{self.remedy}`" if self.remedy else "Request fewer items"
        cost = f"Most of it is `{self.path}`, with {self.points:,.0f} points."
        return f"{cost} {advice}, or select fewer fields."


def costliest_list(
    cost: Cost, variables: Mapping[str, object], lists: ListLengths, bound: float
) -> CostliestList | None:
    """Return the innermost list with more than half of the points of an operation.

    Args:
        cost: the cost of the operation.
        variables: the coerced variables of the request.
        lists: the current lengths of lists of declared resources.
        bound: the limit that the operation exceeds.

    Returns:
        None if the points are spread over many fields.

    """
    values = {**variables, **{name: length() for name, length in lists.items()}}
    total = cost.total(variables, lists)
    path: list[str] = []
    times, argument = 1.0, ""
    costliest: CostliestList | None = None
    while cost.selections:
        totals = {
            index: each.size.value(values) * each.cost.total(variables, lists)
            for index, each in enumerate(cost.selections)
        }
        index = max(totals, key=totals.__getitem__)
        selected, points = cost.selections[index], times * totals[index]
        if points <= total / 2:
            break
        if selected.name:
            path.append(selected.name)
        if selected.argument:
            argument = selected.argument
        if (size := selected.size.value(values)) > 1:
            fitting = int(size * (bound - (total - points)) / points)
            remedy = f"{argument}: {fitting})" if argument and fitting > 0 else ""
            costliest, argument = CostliestList(".".join(path), points, remedy), ""
            times *= size
        cost = selected.cost
    return costliest
