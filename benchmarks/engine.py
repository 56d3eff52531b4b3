"""The speed of the engine: parsing, permission checks and compiling."""

from itertools import product
from typing import Final

from yaml._yaml import CParser

from benchmarks.checks import compare_checks
from benchmarks.tables import Comparison, comparison_table, print_table
from benchmarks.timing import ROUNDS, medians
from engine.declaration.models import Workflow
from engine.declaration.yaml_reader import read_yaml
from engine.vocabulary import STATUSES, Role
from engine.workflows.compiler import compile_workflow
from engine.workflows.interop import machine_of

LINES: Final = 50_000
WORKFLOWS: Final = 10_000
MACHINES: Final = 200
PAIRS: Final = tuple((source, to) for source, to in product(STATUSES, STATUSES) if source != to)
ROLES: Final = (None, *Role)
SCATTER: Final = 9_999_991
"""A prime, so that the declarations differ in all transitions, not only in the first ones."""
TITLE: Final = f"The engine without a database: medians of {ROUNDS} alternating rounds"


def main() -> None:
    """Print the medians and ratios."""
    print_table(comparison_table((parsing(), *compare_checks(), compiling()), title=TITLE))


def parsing() -> Comparison:
    """Compare reading a text with its bare event stream."""
    text = values()
    ours, bare = medians(lambda: read_yaml(text, "values.yaml"), lambda: drain(text))
    what = f"parse {len(text.splitlines())} lines"
    return (what, f"{ours:.3f} s", "its bare C events", f"{bare:.3f} s", f"{ours / bare:.2f}")


def values() -> str:
    """Return a values file of at least `LINES` lines, seven for each workflow."""
    transitions = "\n".join(
        f"        - {{from: {source}, to: {target}, role: any}}"
        for source, target in [("OPEN", "IN_PROGRESS"), ("IN_PROGRESS", "CLOSED")] * 2
    )
    each = (
        f"    - name: workflow_{number}\n      displayName: Number {number}\n      transitions:\n"
        f"{transitions}\n"
        for number in range(LINES // 7 + 1)
    )
    return "ticketing:\n  workflows:\n" + "".join(each)


def drain(text: str) -> None:
    """Read all events and ignore them."""
    next_event = CParser(text).get_event
    while next_event() is not None:
        pass


def compiling() -> Comparison:
    """Compare compiling with building machines of `transitions`."""
    declared = [workflow(number) for number in range(WORKFLOWS)]
    policies = [compile_workflow(each).policy for each in declared[:MACHINES]]
    ours, theirs = medians(
        lambda: [compile_workflow(each) for each in declared],
        lambda: [machine_of(policy) for policy in policies],
    )
    each, other = ours / WORKFLOWS, theirs / MACHINES
    return (
        f"compile {WORKFLOWS} distinct workflows",
        f"{ours:.3f} s ({each * 1e6:.1f} us each)",
        f"transitions, {MACHINES} of the same",
        f"{theirs:.3f} s ({other * 1e6:.0f} us each)",
        f"1/{other / each:.0f}",
    )


def workflow(number: int) -> Workflow:
    """Return a distinct declaration for each number."""
    code = number * SCATTER % len(ROLES) ** len(PAIRS)
    digits = (code // len(ROLES) ** place % len(ROLES) for place in range(len(PAIRS)))
    declared = zip(PAIRS, (ROLES[digit] for digit in digits), strict=True)
    transitions = [{"from": a, "to": b, "role": role} for (a, b), role in declared if role]
    return Workflow.model_validate({"name": f"workflow_{number}", "transitions": transitions})


if __name__ == "__main__":
    main()
