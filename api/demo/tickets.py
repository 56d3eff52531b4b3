"""The users and the tickets of the demo."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from engine.tickets.actor import Actor
from engine.tickets.commands import RequestedSla, RequestedTargets
from engine.vocabulary import Priority, Status

ANNA: Final = Actor("u_b1", "Anna K.")
MARTON: Final = Actor("u_c4", "Marton P.", frozenset({"payment-team"}))
ADA: Final = Actor("u_a0", "Ada L.", is_admin=True)
BELA: Final = Actor("u_d2", "Béla T.", frozenset({"network-team"}))
DORA: Final = Actor("u_e5", "Dóra S.", frozenset({"it-desk"}))
ZOE: Final = Actor("u_z9", "Zoe R.")

_PAYMENT, _NETWORK, _DESK = "payment-team", "network-team", "it-desk"
_OPEN, _WORKING, _DONE, _CLOSED = Status


def _targets(response: timedelta, resolution: timedelta) -> RequestedSla:
    return RequestedSla(targets=RequestedTargets(response=response, resolution=resolution))


_BY_PRIORITY: Final = RequestedSla(by_priority=True)
_MISSED: Final = _targets(timedelta(seconds=1), timedelta(seconds=2))
_DUE_SOON: Final = _targets(timedelta(minutes=20), timedelta(minutes=50))


@dataclass(frozen=True, slots=True)
class DemoTicket:
    """A ticket of the demo.

    Attributes:
        item: the catalog item that it is opened from; empty for a ticket without one.
        workflow, priority, group, sla: of a ticket without a catalog item.
        opener: opens it for the requester; None if the requester does.
        worker: works on it and comments; None for no assignee.
        status: its final status.

    """

    title: str
    requester: Actor = ANNA
    item: str = ""
    workflow: str = "incident_response"
    priority: Priority = Priority.MEDIUM
    group: str = _PAYMENT
    sla: RequestedSla | None = _BY_PRIORITY
    opener: Actor | None = None
    worker: Actor | None = None
    status: Status = _OPEN
    description: str = ""
    comment: str = ""
    note: str = ""


TICKETS: Final = (
    DemoTicket(
        "Card payments time out in the checkout",
        priority=Priority.CRITICAL,
        worker=MARTON,
        status=_WORKING,
        description="Since 13:40 about a third of the payments end in a time-out after 30 s.",
        comment="The pool of the payment gateway is exhausted; rolling back this noon's release.",
        note="The gateway's own dashboard shows nothing; ask for their connection limits.",
    ),
    DemoTicket(
        "Access to the refund dashboard",
        item="access",
        description="I take over refunds next Monday.",
    ),
    DemoTicket(
        "Invoices of March show the old address",
        workflow="service_request",
        priority=Priority.LOW,
        worker=MARTON,
        status=_DONE,
        comment="The template is fixed; please check invoice 2031.",
    ),
    DemoTicket(
        "Rotate the certificate of pay.example.com",
        workflow="change_request",
        priority=Priority.HIGH,
        sla=None,
        description="It expires in nine days.",
    ),
    DemoTicket(
        "Duplicate bookings after a retry",
        priority=Priority.HIGH,
        worker=MARTON,
        status=_CLOSED,
        description="Found on 3 April and twice since then.",
        comment="The retry now carries the key of the first try.",
    ),
    DemoTicket("Refund of order 7714 is missing", ZOE, "payment_problem"),
    DemoTicket("Apple Pay button is missing on phones", ZOE, "payment_problem", worker=MARTON),
    DemoTicket("Vouchers are rejected at random", requester=MARTON, sla=_MISSED, worker=MARTON),
    DemoTicket("Chargeback report is empty", requester=MARTON, sla=_MISSED, priority=Priority.HIGH),
    DemoTicket("Currency of invoices is wrong for Norway", requester=MARTON, sla=_DUE_SOON),
    DemoTicket(
        "Bank transfers are booked one day late",
        ZOE,
        worker=MARTON,
        status=_WORKING,
        comment="The bank confirms a delayed file; we wait for theirs of 16:00.",
    ),
    DemoTicket("Meeting room 4 has no network", item="network_outage"),
    DemoTicket(
        "VPN disconnects every hour",
        ZOE,
        "network_outage",
        worker=BELA,
        status=_WORKING,
        comment="The firmware of the gateway drops idle tunnels; a new version is in the test.",
    ),
    DemoTicket(
        "Wi-Fi in the canteen is slow",
        ZOE,
        "network_outage",
        worker=BELA,
        status=_DONE,
        comment="A second access point is installed.",
    ),
    DemoTicket(
        "DNS answers with an old address",
        item="network_outage",
        worker=BELA,
        status=_CLOSED,
        comment="The cache is cleared.",
    ),
    DemoTicket("Printer on floor 2 is offline", group=_NETWORK, worker=BELA, status=_WORKING),
    DemoTicket("Laptop for Eszter from 1 June", item="laptop", requester=ZOE),
    DemoTicket(
        "Replace a broken display",
        item="laptop",
        worker=DORA,
        status=_WORKING,
        comment="The new one arrives on Thursday.",
    ),
    DemoTicket(
        "Docking station for desk 31",
        item="laptop",
        opener=DORA,
        worker=DORA,
        status=_DONE,
        comment="It is on your desk.",
    ),
    DemoTicket(
        "Read access to the sales warehouse",
        ZOE,
        "access",
        worker=DORA,
        status=_DONE,
        comment="You are in the group sales-readers now.",
    ),
    DemoTicket("Remove access of leavers in May", ADA, "access", worker=DORA, status=_CLOSED),
    DemoTicket(
        "Admin rights for the build server", ZOE, "access", note="Ask for an approval.", worker=DORA
    ),
    DemoTicket("Mailbox for the Vienna office", ZOE, "access", worker=DORA, status=_WORKING),
    DemoTicket(
        "Machine for load tests, 16 cores", MARTON, "virtual_machine", worker=BELA, status=_WORKING
    ),
    DemoTicket("More memory for build-07", MARTON, "virtual_machine", worker=BELA, status=_DONE),
    DemoTicket("Shut down the old staging machines", MARTON, "virtual_machine"),
    DemoTicket(
        "Upgrade of the database on Sunday",
        ADA,
        "maintenance_window",
        worker=BELA,
        status=_WORKING,
        description="From 06:00 to 07:00. Reads work, changes do not.",
    ),
    DemoTicket("Fire drill in the data centre", ADA, "maintenance_window"),
    DemoTicket(
        "Hotfix: rounding of discounts",
        MARTON,
        workflow="hotfix",
        worker=MARTON,
        priority=Priority.HIGH,
        status=_DONE,
        comment="Released in 5.3.1.",
    ),
    DemoTicket(
        "Hotfix: search ignores accents",
        ZOE,
        workflow="hotfix",
        status=_CLOSED,
        comment="A duplicate of the ticket about NFC.",
        worker=MARTON,
    ),
    DemoTicket(
        "Why do payouts fail on the last day of a month?",
        MARTON,
        worker=MARTON,
        workflow="problem_investigation",
        status=_WORKING,
        sla=None,
        note="Three of four cases are of accounts in another time zone.",
    ),
    DemoTicket(
        "Frequent timeouts of the address service",
        MARTON,
        sla=None,
        workflow="problem_investigation",
    ),
    DemoTicket("Newsletter link leads to a blank page", ZOE, priority=Priority.LOW, sla=None),
    DemoTicket(
        "Order confirmation arrives twice",
        ZOE,
        priority=Priority.LOW,
        worker=MARTON,
        status=_CLOSED,
        comment="Fixed with release 5.2.",
    ),
    DemoTicket(
        "Gift card balance shows -1",
        requester=MARTON,
        worker=MARTON,
        status=_WORKING,
        sla=_DUE_SOON,
        priority=Priority.HIGH,
    ),
    DemoTicket(
        "A title that is as long as a title can sensibly be, so that you see how lists and pages "
        "show a text that does not fit on one line of a phone",
        priority=Priority.LOW,
        sla=None,
    ),
)
"""About forty tickets, in every status and in every state of their SLA targets."""
