"""The list of tickets as CSV: what a spreadsheet reads."""

import csv
from io import StringIO
from typing import Final

import pytest

from api.web.csv_text import BYTE_ORDER_MARK
from api.web.views.tickets.csv_lines import COLUMNS, csv_lines, header
from api.web.views.tickets.view import TicketRow
from tests.support.ticket_examples import a_ticket

TITLES: Final = {
    "=1+1": "'=1+1",
    "+36 1 234": "'+36 1 234",
    "-2": "'-2",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1": "'\t=1",
    "\r=1": "'\r=1",
    "\uff1d1": "'\uff1d1",
    'a "b", c': 'a "b", c',
    "two\nlines": "two\nlines",
    "1 = 1": "1 = 1",
    "árvíz": "árvíz",
}


@pytest.mark.parametrize(("title", "cell"), TITLES.items())
def test_no_text_is_a_formula(title: str, cell: str) -> None:
    row = TicketRow(
        a_ticket(title=title, requester="=x", assignee=None), "=cmd|' /C calc'", None, None
    )
    [cells] = csv.reader(StringIO(csv_lines([row]), newline=""))
    values = dict(zip(COLUMNS, cells, strict=True))
    assert values["title"] == cell
    assert (values["requester"], values["requester name"]) == ("'=x", "'=cmd|' /C calc'")
    assert values["assignee"] == values["assignee name"] == values["SLA"] == ""


def test_the_first_line_names_the_columns() -> None:
    assert header().startswith(f"{BYTE_ORDER_MARK}id,title,status,")
    assert header().endswith("SLA\r\n")
    assert csv_lines([]) == ""
