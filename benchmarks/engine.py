"""The engine's own speed: parsing, compiling, and one permission check."""

from collections.abc import Callable
from itertools import product

from _ruamel_yaml import CParser
from rich.console import Console
from rich.table import Table
from ruamel.yaml.events import StreamEndEvent

from benchmarks.timing import medians
from engine.vocabulary import EVERY_ACTOR, STATUSES
from engine.workflows.compiler import compile_workflow
from engine.workflows.defaults import default_workflows
from engine.workflows.interop import (
    machine_of,
    machine_permits,
    statechart_of,
    statechart_permits,
)
from engine.workflows.policy import permits
from engine.workflows.yaml_reader import read_yaml

LINES = 50_000
CHECKS = 20_000
HYDRATED = 200
WORKFLOWS = 10_000
POLICY = compile_workflow(default_workflows()[2]).policy
QUESTIONS = list(product(STATUSES, STATUSES, EVERY_ACTOR))


def values() -> str:
    """Return a values file of `LINES` lines, seven a workflow."""
    moves = "\n".join(
        f"        - {{from: {source}, to: {target}, role: any}}"
        for source, target in [("OPEN", "IN_PROGRESS"), ("IN_PROGRESS", "CLOSED")] * 2
    )
    each = (
        f"    - name: workflow_{number}\n      displayName: Number {number}\n      transitions:\n"
        f"{moves}\n"
        for number in range(LINES // 7)
    )
    return "ticketing:\n  workflows:\n" + "".join(each)


def events(text: str) -> None:
    """Read the bare event stream."""
    parser = CParser(text)
    while type(parser.get_event()) is not StreamEndEvent:
        pass


def repeated(check: Callable[..., object], times: int) -> Callable[[], None]:
    """Return a loop that asks `times` questions."""
    asked = [QUESTIONS[number % len(QUESTIONS)] for number in range(times)]

    def loop() -> None:
        for source, target, actor in asked:
            check(source, target, actor)

    return loop


def main() -> None:
    """Print medians and ratios."""
    table = Table("what", "median", "reference", "its median", "ratio")
    text = values()
    ours, bare = medians(lambda: read_yaml(text, "values.yaml"), lambda: events(text))
    table.add_row(
        f"parse {LINES} lines",
        f"{ours:.3f} s",
        "event stream",
        f"{bare:.3f} s",
        f"{ours / bare:.2f}",
    )
    known = {question: permits(POLICY, *question) for question in QUESTIONS}
    check, lookup = medians(
        repeated(lambda s, t, a: permits(POLICY, s, t, a), CHECKS),
        repeated(lambda s, t, a: known[s, t, a], CHECKS),
    )
    each, other = check / CHECKS * 1e9, lookup / CHECKS * 1e9
    table.add_row(
        "check", f"{each:.0f} ns", "dict lookup", f"{other:.0f} ns", f"{each / other:.2f}"
    )
    chart, machine = statechart_of(POLICY), machine_of(POLICY)
    hydrated = medians(
        repeated(lambda s, t, a: statechart_permits(chart, s, t, a), HYDRATED),
        repeated(lambda s, t, a: machine_permits(machine_of(POLICY), s, t, a), HYDRATED),
        repeated(lambda s, t, a: machine_permits(machine, s, t, a), HYDRATED),
    )
    names = ("python-statemachine, hydrated", "transitions, hydrated", "transitions, in place")
    for name, total in zip(names, hydrated, strict=True):
        theirs = total / HYDRATED * 1e9
        table.add_row("check", f"{each:.0f} ns", name, f"{theirs:.0f} ns", f"1/{theirs / each:.0f}")
    declared = default_workflows()[2]
    compiling, reading = medians(
        lambda: [compile_workflow(declared) for _ in range(WORKFLOWS)],
        lambda: [list(declared.transitions) for _ in range(WORKFLOWS)],
    )
    table.add_row(
        f"compile {WORKFLOWS} workflows",
        f"{compiling:.3f} s",
        "walking their transitions",
        f"{reading:.3f} s",
        f"{compiling / reading:.0f}",
    )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
