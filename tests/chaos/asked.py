"""Requests while the other side dies, stops, or its link is cut: each ends, once, and no server sees one twice."""

from __future__ import annotations

import time
from collections import Counter

from cutter import Cutter
from cut import cut_often
from laws import wait_until_idle
from paused import TIMES
from rig import Party, Report, Rig, Row, wait_until
from scenarios import scenario

RATE = 2000


def asker(rig: Rig, **options: object) -> Party:
    return Party(rig, "ask", "asker", rate=RATE, timeout_ms=1500, **options)


def server(rig: Rig, name: str = "server", **options: object) -> Party:
    return Party(rig, "serve", name, **options)


# In the table: asked, replied, served twice, and (as lost) ended without a reply.
def finish(row: Row, who: Party, servers: list[Party]) -> Row:
    who.stop()
    reports: list[Report] = []

    def all_ended() -> bool:
        reports[:] = [who.report()]
        return reports[0]["pending"] == 0

    wait_until(all_ended, "every request has ended", 15)
    now = reports[0]
    row.accepted = now["asked"]
    row.delivered = now["replied"]
    row.expect_equal(now["asked"], now["replied"] + now["no_reply"] + now["timed_out"],
                     "asked = replied + no reply + timed out")
    row.expect_equal(now["twice"] + now["wrong"] + now["other"], 0, "each ends once, with the right bytes")
    served = Counter(number for each in servers for number, _, _ in each.records())
    row.duplicates = sum(count - 1 for count in served.values())
    row.expect_equal(row.duplicates, 0, "no request is served twice")
    row.expect_at_most(now["replied"], len(served), "who got a reply was served")
    row.lost = now["no_reply"] + now["timed_out"]
    row.note = f"{now['no_reply']} without a reply, {now['timed_out']} timed out"
    who.end()
    return row


@scenario
def requests_kill_server(rig: Rig) -> Row:
    row = Row("requests_kill_server")
    at = rig.socket("bus")
    who = asker(rig, listen=f"unix:{at}", linger_ms=500)
    servers: list[Party] = []
    for life in range(rig.times(3, 8)):
        if servers:
            servers[-1].kill()
        servers.append(server(rig, f"server.{life}", dial=f"unix:{at}"))
        servers[-1].wait_for_more(rig.some(200, 1000))
    return finish(row, who, servers)


@scenario
def requests_stop_server(rig: Rig) -> Row:
    row = Row("requests_stop_server")
    at = rig.socket("bus")
    who = asker(rig, listen=f"unix:{at}", **TIMES)
    answers = server(rig, dial=f"unix:{at}", **TIMES)
    answers.wait_for_more(200)
    for seconds in (0.3, 2.0):
        answers.pause()
        time.sleep(seconds)
        answers.go_on()
        answers.wait_for_more(200)
    return finish(row, who, [answers])


@scenario
def requests_cut(rig: Rig) -> Row:
    row = Row("requests_cut")
    at, through = rig.socket("bus"), rig.socket("cutter")
    who = asker(rig, listen=f"unix:{at}")
    with Cutter(through, at) as between:
        answers = server(rig, dial=f"unix:{through}")
        answers.wait_for_more(100)
        cut_often(rig, between, rig.times(10, 50))
        answers.wait_for_more(100)
        wait_until_idle(answers, links=1)
        return finish(row, who, [answers])
