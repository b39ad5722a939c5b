"""What an owner may do to a job at any moment: hold it back, let it go on, bound its time, have it deleted."""

import os
import random
import secrets
import time
from typing import Final

import pytest
from cluster_harness import wait
from support.product_lab import TILES, Client, Lab, measure

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

FREE_S: Final = 1.0
DEADLINE_S: Final = 3
TTL_S: Final = 2
LATE_S: Final = 1.0
GONE_S: Final = 5.0
LONGEST_PAUSE_S: Final = 1.2
MOST: Final = 0.7
SOME: Final = 0.3


def test_a_job_that_is_suspended_from_the_beginning_waits_for_its_owner(lab: Lab, client: Client) -> None:
    world = lab.world("a")
    uid = client.submit("later", world, samples=1, suspend=True)
    client.until("later", "Suspended", 10)
    client.submit("meanwhile", world, samples=1)
    client.complete("meanwhile")
    assert client.status("later").get("attempts", 0) == 0
    assert lab.keys(uid) == []
    client.edit("later", suspend=False)
    assert client.complete("later")["attempts"] == 1


def test_a_suspended_job_frees_its_world_at_once_and_goes_on_from_its_tiles(lab: Lab, client: Client) -> None:
    world = lab.world("a")
    lab.forget_ledger(world)
    uid = client.submit("held", world)
    client.until_tiles("held")
    client.edit("held", suspend=True)
    measure("the world is free of the suspended job", lambda: lab.job_on(world) is None, bound_s=FREE_S)
    client.until("held", "Suspended", 3 * FREE_S)
    kept = lab.stored_tiles(uid)
    client.submit("other", world, samples=1)
    client.complete("other")
    assert lab.stored_tiles(uid) == kept, "what is rendered is kept, and nothing is added"

    lab.forget_ledger(world)
    client.edit("held", suspend=False)
    status = client.complete("held")
    again = set(lab.ledger(world).handed_out()) & kept
    print(f"\n{len(kept)} of {TILES} tiles were kept; rendered again: {len(again)}")
    assert kept
    assert not again
    assert (status["attempts"], status["failures"], status["interruptions"]) == (2, 0, 0)
    assert client.undisturbed(world) == status["result"]["sha256"]


@pytest.mark.parametrize("turns", [pytest.param(12), pytest.param(100, marks=pytest.mark.soak)])
def test_an_owner_who_can_not_decide_costs_no_tile_twice(lab: Lab, client: Client, turns: int) -> None:
    """Suspended and resumed at any moment, also while the world still lets go of the run."""
    seed = os.environ.get("FRACTAL_SEED") or secrets.token_hex(4)
    print(f"\nrepeat with FRACTAL_SEED={seed}")
    chance, world = random.Random(seed), lab.world("a")  # noqa: S311 - no secret depends on it
    lab.forget_ledger(world)
    client.submit("flag", world, samples=256)
    for turn in range(turns):
        time.sleep(chance.uniform(0, LONGEST_PAUSE_S) ** 3)  # the moment itself is what is tried
        client.edit("flag", suspend=turn % 2 == 0)
    status = client.complete("flag")
    print(f"{status['attempts']} attempts, {status['interruptions']} interruptions")
    ledger = lab.ledger(world)
    assert ledger.rendered_after_acknowledged() == []
    assert len(ledger.handed_out()) == TILES
    assert status["failures"] == 0


def test_a_job_is_given_up_at_its_deadline_and_frees_its_world(lab: Lab, client: Client) -> None:
    world = lab.world("a")
    uid = client.submit("long", world, activeDeadlineSeconds=DEADLINE_S)
    client.until("long", "Running")
    began = time.monotonic()
    wait.until(lambda: client.condition("long", "Failed") != {}, what="the deadline", timeout_s=DEADLINE_S + 3 * LATE_S)
    print(f"\ngiven up {time.monotonic() - began:.2f} s after its start (deadline {DEADLINE_S} s)")
    assert client.condition("long", "Failed")["reason"] == "DeadlineExceeded"
    assert "activeDeadlineSeconds" in client.condition("long", "Failed")["message"]
    measure("the world is free of it", lambda: lab.job_on(world) is None, bound_s=FREE_S)
    assert [run["phase"] for run in lab.runs(world).values() if run["id"].startswith(uid)] == ["Cancelled"]


def test_a_finished_job_goes_after_its_time_with_all_that_is_stored_of_it(lab: Lab, client: Client) -> None:
    world = lab.world("a")
    uid = client.submit("passing", world, samples=1, ttlSecondsAfterFinished=TTL_S)
    client.complete("passing")
    assert lab.keys(uid)
    measure("the FractalJob is deleted", lambda: client.find("passing") is None, bound_s=TTL_S + LATE_S)
    measure("nothing is stored of it", lambda: lab.keys(uid) == [], bound_s=LATE_S)


@pytest.mark.parametrize("rounds", [pytest.param(12), pytest.param(150, marks=pytest.mark.soak)])
def test_many_jobs_deleted_at_any_moment_leave_nothing_behind(lab: Lab, client: Client, rounds: int) -> None:
    """One world, more jobs than it can take: some are deleted waiting, some being assigned, some rendered."""
    seed = os.environ.get("FRACTAL_SEED") or secrets.token_hex(4)
    print(f"\nrepeat with FRACTAL_SEED={seed}")
    chance, world = random.Random(seed), lab.world("a")  # noqa: S311 - no secret depends on it
    uids, there = [], list[str]()
    for number in range(rounds):
        there.append(f"any-{number}")
        uids.append(client.submit(there[-1], world))
        pause_s = chance.uniform(0, LONGEST_PAUSE_S) ** 2
        time.sleep(pause_s)  # the moment itself is what is tried
        if chance.random() < MOST:
            name = there.pop(chance.choice([-1, 0]))
            client.delete(name)
            if chance.random() < SOME:
                uids.append(client.submit(name, world))  # another job of the same name
                there.append(name)
    client.kubectl("delete", "fractaljobs", "--all", "--timeout=15s")

    measure("the world is free", lambda: lab.job_on(world) is None, bound_s=GONE_S)
    active = [run for run in lab.runs(world).values() if run["phase"] in {"Queued", "Rendering", "Assembling"}]
    assert active == []
    measure("nothing is stored of them", lambda: lab.keys(*uids) == [], bound_s=GONE_S)
    client.submit("next", world, samples=1)
    client.complete("next", 3 * GONE_S)
