#!/usr/bin/env python3
"""Migrates a QEMU guest, and pages out again what of it was in swap on this host.

Usage: recool.py DAEMON QMP DESTINATION
such as recool.py unix:///run/pagemapd/pagemapd.sock /run/vm.qmp tcp:other-host:4444
"""
import collections
import sys
import time

import grpc
from pagemapd.v1 import pagemap_service_pb2 as api
from pagemapd.v1 import pagemap_service_pb2_grpc as api_grpc
from pagemapd.v1 import pages_pb2 as pages
from qmp import Qmp, QmpError


class Failed(Exception):
    pass


def check(end):
    """What goes wrong with the process stands at the end of an answer about it."""
    if end.HasField("error"):
        raise Failed(f"{pages.ErrorReason.Name(end.error.reason)}: {end.error.message}")


def swapped(daemon, pid, page_size):
    """The process, with its start time, and its swapped pages: ranges, and what is mapped there."""
    request = api.QueryPagesRequest(
        targets=[api.Target(process=pages.ProcessRef(pid=pid))], view=api.VIEW_PROCESS,
        format=api.FORMAT_EXTENTS, states=[pages.PAGE_STATE_SWAPPED])
    process, cold = None, []
    for answer in daemon.QueryPages(request):
        for start in answer.starts:
            process = start.process
        for chunk in answer.chunks:
            for extent in chunk.extents:
                index = chunk.object_index + (extent.start - chunk.start) // page_size
                cold.append(api.PageOutRange(
                    range=pages.AddressRange(start=extent.start,
                                             end=extent.start + extent.pages * page_size),
                    expected=api.PageOutRange.Expected(object=chunk.object, object_index=index)))
        for end in answer.ends:
            check(end)
    return process, cold


def migrate(qmp, destination):
    qmp.execute("migrate", uri=destination)
    while (state := qmp.execute("query-migrate"))["status"] != "completed":
        if state["status"] in ("failed", "cancelled"):
            raise Failed(f"the migration has {state['status']}: {state.get('error-desc', '')}")
        time.sleep(0.1)


def page_out(daemon, process, cold, max_ranges):
    """How many pages came to what."""
    outcomes = collections.Counter()
    for first in range(0, len(cold), max_ranges):
        request = api.PageOutRequest(process=process, ranges=cold[first:first + max_ranges])
        for answer in daemon.PageOut(request):
            check(answer.end)
        outcomes.update({item.outcome: item.pages for item in answer.counts.outcomes})
    return outcomes


def main(address, qmp_path, destination):
    daemon = api_grpc.PagemapServiceStub(grpc.insecure_channel(address))
    capabilities = daemon.GetCapabilities(api.GetCapabilitiesRequest())
    qmp = Qmp(qmp_path)
    process, cold = swapped(daemon, qmp.pid, capabilities.page_size_bytes)
    try:
        migrate(qmp, destination)
    finally:
        # Also what a migration that failed has brought back.
        outcomes = page_out(daemon, process, cold, capabilities.limits.max_ranges)
        for outcome, number in sorted(outcomes.items()):
            print(f"{number:9} pages {api.PageOutOutcome.Name(outcome)}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except grpc.RpcError as error:
        sys.exit(f"recool.py: {error.code().name}: {error.details()}")
    except (Failed, QmpError, OSError) as error:
        sys.exit(f"recool.py: {error}")
