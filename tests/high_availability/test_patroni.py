"""Patroni fails over under load: with synchronous replication, nothing acknowledged is lost."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from engine.storage.migrate import migrate
from engine.storage.postgres.database import open_database
from tests.support.declared_resources import put_resources
from tests.support.haproxy import haproxy, primary_proxy
from tests.support.logging_clients import LoggingClients, logging_clients
from tests.support.loss_report import loss_report
from tests.support.patroni import REST_PORT, Cluster, missing_requirements, patroni_cluster
from tests.support.replicas import UNLIMITED, replica

pytestmark = pytest.mark.high_availability

FAULTS = ("kill", "partition")
CLIENTS = 8
CHANGES_BETWEEN_FAULTS = 200
FAIL_OVER_SECONDS_MAX = 120


@asynccontextmanager
async def load_balanced_replicas(cluster: Cluster) -> AsyncIterator[str]:
    """Run three replicas behind HAProxy; yield the address.

    Two find the primary through a URL with all hosts, one through HAProxy and Patroni's REST API.
    """
    async with AsyncExitStack() as stack:
        addresses = [each.machine.client_address for each in cluster.nodes]
        port = await stack.enter_async_context(primary_proxy(addresses, check_port=REST_PORT))
        urls = (cluster.url, cluster.url, f"postgresql://postgres@127.0.0.1:{port}/postgres")
        replicas = [await stack.enter_async_context(replica(each, UNLIMITED)) for each in urls]
        ports = [int(each.url.rpartition(":")[2]) for each in replicas]
        balancer = await stack.enter_async_context(haproxy(ports))
        for each in ports:
            await balancer.wait_until_up(each)
        yield f"{balancer.with_retries}/graphql"


async def fail_over(cluster: Cluster, clients: LoggingClients, fault: str) -> float:
    """Kill or partition the primary until another node is the primary, then bring it back.

    Return the longest time without an acknowledged change, in seconds.
    """
    old = await cluster.primary()
    began = time.monotonic()
    if fault == "kill":
        await old.machine.kill()
    else:
        await old.machine.partition()
    await cluster.primary(other_than=old)
    await clients.wait_for_acknowledged(CHANGES_BETWEEN_FAULTS, FAIL_OVER_SECONDS_MAX)
    if fault == "kill":
        await old.start()
    else:
        await old.machine.heal()
    await cluster.wait_until_complete()
    await clients.wait_for_acknowledged(CHANGES_BETWEEN_FAULTS, FAIL_OVER_SECONDS_MAX)
    return clients.longest_gap_seconds(began)


@pytest.mark.parametrize("synchronous", [True, False], ids=["synchronous", "asynchronous"])
async def test_fail_over_loses_no_acknowledged_change(
    capsys: pytest.CaptureFixture[str], *, synchronous: bool
) -> None:
    """Asynchronous replication can lose changes, but what remains must still be whole."""
    if missing := missing_requirements():
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    async with patroni_cluster(synchronous=synchronous) as cluster:
        await migrate(cluster.url)
        async with open_database(cluster.url) as database:
            await put_resources(database)
        async with (
            load_balanced_replicas(cluster) as url,
            logging_clients(url, CLIENTS) as clients,
        ):
            await clients.wait_for_acknowledged(CHANGES_BETWEEN_FAULTS, FAIL_OVER_SECONDS_MAX)
            faults = {each: await fail_over(cluster, clients, each) for each in FAULTS}
        async with open_database(cluster.url) as database:
            report = await loss_report(database, clients, faults)
    with capsys.disabled():
        print(f"\n{'synchronous' if synchronous else 'asynchronous'} replication\n{report}")  # noqa: T201 - the result of `make ha`
    assert report.forbidden == report.unfolded == report.flaws == []
    if synchronous:
        assert report.lost == report.doubled == []
        assert not report.refusals
