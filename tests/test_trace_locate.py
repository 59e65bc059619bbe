"""Where loss begins: cases that can be computed by hand, and paths whose truth is drawn at random."""

import random
from dataclasses import replace

import pytest

from netsky.trace import Finding, Hop, Trace, Untold, Verdict
from netsky.trace_locate import locate, locate_all

SENT = 200


def hop(ttl, lost, *, sent=SENT, addresses=None):
    """A hop of which `lost` of `sent` echoes had no answer."""
    named = (f"198.51.100.{ttl}",) if addresses is None and lost < sent else addresses or ()
    return Hop(ttl, sent, (0.01,) * (sent - lost), named)


def path(*lost):
    return [hop(ttl, each) for ttl, each in enumerate(lost, 1)]


def end(lost, *, sent=SENT):
    return Hop(None, sent, (0.02,) * (sent - lost), ("203.0.113.1",))


def begins(after, at_latest, **aside):
    return Verdict(Finding.BEGINS, after, at_latest, **aside)


def test_loss_that_all_hops_from_one_on_share_begins_there():
    assert locate(path(0, 0, 20, 19, 21), end(20)) == begins(2, 3)


def test_a_path_without_loss_is_clean():
    assert locate(path(0, 0, 0), end(0)) == Verdict(Finding.CLEAN)


def test_a_router_that_limits_its_answers_is_set_aside_and_never_where_loss_begins():
    assert locate(path(0, 190, 0, 192, 0), end(0)) == Verdict(Finding.CLEAN, limited=(2, 4))
    assert locate(path(0, 190, 20, 192, 20), end(20)) == begins(1, 3, limited=(2, 4))


def test_of_ten_routers_that_lose_the_same_the_worst_is_left_aside_and_not_called_limited():
    lossy = [60] * 7
    assert locate(path(0, 0, 96, *lossy), end(60)) == begins(2, 4)
    assert locate(path(0, 0, 100, *lossy), end(60)) == begins(2, 4, limited=(3,))


@pytest.mark.parametrize("ratio", [0.05, 0.1, 0.3])
def test_of_routers_that_lose_the_same_fewer_than_one_trace_in_a_hundred_has_one_called_limited(
    ratio,
):
    draw, called = random.Random(1), 0
    for _ in range(1000):
        lost = [sum(draw.random() < ratio for _ in range(SENT)) for _ in range(11)]
        called += bool(locate(path(*lost[:10]), end(lost[10])).limited)
    assert called < 10


def test_a_router_that_answers_less_often_when_asked_faster_limits_its_answers():
    """Like this, it would be where loss seems to begin: it loses less than what lies behind it."""
    seen = path(0, 0, 40, 60, 60)
    limiting = replace(seen[2], quick_sent=20, quick_lost=16)
    losing = replace(seen[2], quick_sent=20, quick_lost=6)
    whole = replace(path(0, 0, 0)[2], quick_sent=20, quick_lost=10)
    assert locate([*seen[:2], whole, *seen[3:]], end(60)) == begins(3, 4)
    assert locate([*seen[:2], limiting, *seen[3:]], end(60)) == begins(2, 4, limited=(3,))
    assert locate([*seen[:2], losing, *seen[3:]], end(60)).limited == ()


def test_a_router_that_by_chance_lost_nothing_of_few_packets_is_not_called_well():
    whole = [hop(ttl, 0) for ttl in (1, 2, 3)]
    assert locate([*whole, hop(4, 0, sent=100)], end(10)) == begins(3, None)
    assert locate([*whole, hop(4, 0)], end(10)) == begins(4, None)


def test_a_silent_router_makes_the_interval_wider():
    assert locate(path(0, 0, 200, 20, 20), end(20)) == begins(2, 4, silent=(3,))


def test_this_host_is_hop_0_and_clean():
    assert locate(path(20, 21, 19), end(20)) == begins(0, 1)


def test_loss_at_the_target_alone_begins_behind_the_last_router():
    assert locate(path(0, 0, 0), end(200)) == begins(3, None)


def test_a_total_outage_begins_behind_the_last_router_that_speaks():
    assert locate(path(0, 0, 200, 200), end(200)) == begins(2, None, silent=(3, 4))


def test_a_router_that_limits_its_answers_before_a_total_outage_is_not_where_it_begins():
    assert locate(path(0, 150, 30, 200, 200), end(200)) == begins(
        3, None, limited=(2,), silent=(4, 5)
    )


def test_who_spoke_in_quiet_times_narrows_a_total_outage():
    quiet = [*path(0, 0, 0), hop(4, 200), *path(0, 0, 0, 0, 0)[4:]]
    assert locate(path(0, 0, 200, 200, 200), end(200), quiet=quiet) == begins(2, 3, silent=(4,))


def test_a_limiter_just_before_the_fault_is_known_from_quiet_times():
    seen = path(0, 0, 40, 60, 60)  # hop 3 limits itself, and the fault is at hop 4
    assert locate(seen, end(60)) == begins(2, 4), "it loses less than what is behind it"
    assert locate(seen, end(60), quiet=path(0, 0, 40, 0, 0)) == begins(2, 4, limited=(3,))
    quick = replace(hop(3, 0), quick_sent=20, quick_lost=10)
    quiet = [*path(0, 0), quick, *path(0, 0, 0, 0, 0)[3:]]
    assert locate(seen, end(60), quiet=quiet) == begins(2, 4, limited=(3,)), "asked slowly"


def test_who_answered_each_time_in_quiet_times_may_limit_its_answers_all_the_same():
    """Then it was asked more slowly, or does so since lately."""
    quiet, seen = path(0, 0, 0, 0, 0), path(0, 120, 40, 40, 40)
    assert locate(seen, end(40), quiet=quiet) == begins(1, 3, limited=(2,))
    assert locate(path(0, 200, 40, 40, 40), end(40), quiet=quiet) == begins(1, 3, silent=(2,))


def test_a_router_that_answers_less_often_in_the_quick_rounds_limits_its_answers():
    """Its loss is that of the fault behind it, but not in the slow rounds."""
    seen = [*path(0, 0), replace(hop(3, 60), slow_sent=50, slow_lost=2), *path(0, 0, 0, 60)[3:]]
    quiet = path(0, 0, 0, 0)
    assert locate(seen, end(60), quiet=quiet) == begins(2, 4, limited=(3,))
    losing = [*path(0, 0), replace(hop(3, 60), slow_sent=50, slow_lost=15), *seen[3:]]
    assert locate(losing, end(60), quiet=quiet) == begins(2, 3)


def test_a_router_that_limits_its_quick_answers_and_then_says_nothing_tells_of_an_outage():
    quiet = [replace(each, quick_sent=20, quick_lost=10) for each in path(0, 0, 0)]
    assert locate(path(0, 200, 200), end(200), quiet=quiet) == begins(1, 2)


def test_what_another_router_did_in_quiet_times_is_not_heeded():
    moved = [*path(0, 0), hop(3, 200, addresses=("192.0.2.1",)), hop(4, 0)]
    assert locate(path(0, 0, 20, 20), end(20), quiet=moved) == begins(2, 3)


@pytest.mark.parametrize("lost", [1, 2])
def test_a_packet_or_two_do_not_tell_where(lost):
    unknown = Verdict(Finding.UNKNOWN, untold=Untold.TOO_LITTLE_LOSS)
    assert locate(path(0, 0, 0), end(lost)) == unknown


def test_nothing_sent_and_nothing_heard_tell_nothing():
    assert locate([], end(0, sent=0)).untold is Untold.NOTHING_SENT
    silent = Verdict(Finding.UNKNOWN, silent=(1, 2), untold=Untold.TOO_FEW_ROUTERS)
    assert locate(path(200, 200), end(200)) == silent


def trace(number, lost, *, by="198.51.100.2", flow=0, sent=10):
    hops = (hop(1, 0, sent=sent), hop(2, 0, sent=sent, addresses=(by,)), hop(3, lost, sent=sent))
    return Trace(f"203.0.113.{number}", flow, hops, end(lost, sent=sent))


def test_flows_through_a_lossy_branch_are_judged_alone_and_the_branch_is_named():
    good = [trace(n, 0, by="198.51.100.20", flow=n % 2) for n in range(10)]
    bad = [trace(n, n % 3 + 1, by="198.51.100.21", flow=n % 2) for n in range(10, 20)]
    located = locate_all([*good, *bad])
    assert located.branch == (2, "198.51.100.21")
    assert located.affected == tuple(bad)
    assert located.healthy == tuple(good)
    assert located.end.lost == sum(trace.end.lost for trace in bad)
    assert located.verdict == begins(2, 3)


def test_the_same_loss_on_two_ways_names_none_of_them():
    draw, named = random.Random(1), 0
    for _ in range(200):
        traces = [
            trace(
                n,
                sum(draw.random() < 0.2 for _ in range(10)),
                by=f"198.51.100.{draw.randint(1, 2)}",
            )
            for n in range(20)
        ]
        named += locate_all(traces).branch is not None
    assert named <= 4


def test_targets_that_are_cut_off_are_judged_without_those_that_are_not():
    cut_off, fine = [trace(n, 10) for n in range(6)], [trace(n, 0) for n in range(6, 20)]
    located = locate_all([*cut_off, *fine])
    assert located.affected == tuple(cut_off)
    assert located.branch is None
    assert (located.end.sent, located.end.lost) == (60, 60)


def test_random_loss_takes_no_target_out():
    draw = random.Random(1)
    for _ in range(100):
        traces = [trace(n, sum(draw.random() < 0.3 for _ in range(10))) for n in range(20)]
        assert locate_all(traces).healthy == ()


def simulated(draw, *, ratio, at, quiet_too):
    """A path of 12 hops of which 3 limit their answers and 2 are silent, and its verdict."""
    silent, limiting = set(draw.sample(range(1, 13), 2)), {}
    for ttl in draw.sample([ttl for ttl in range(1, 13) if ttl not in silent], 3):
        limiting[ttl] = draw.uniform(0.05, 0.9)

    def answers(*, fault):
        hops = []
        for ttl in range(1, 13):
            passes = (1 - ratio) if fault and ttl >= at else 1.0
            share = 0.0 if ttl in silent else passes * (1 - limiting.get(ttl, 0.0))
            hops.append(hop(ttl, sum(draw.random() >= share for _ in range(SENT))))
        return hops, end(sum(draw.random() < ratio for _ in range(SENT)) if fault else 0)

    quiet = answers(fault=False)[0] if quiet_too else ()
    return locate(*answers(fault=ratio > 0), quiet=quiet)


def right(verdict, at):
    return verdict.after < at and (verdict.at_latest is None or at <= verdict.at_latest)


@pytest.mark.parametrize("ratio", [0.05, 0.1, 0.3, 1.0])
def test_with_quiet_times_known_intervals_are_right(ratio):
    draw = random.Random(1)
    faults = [draw.randint(1, 12) for _ in range(100)]
    verdicts = [simulated(draw, ratio=ratio, at=at, quiet_too=True) for at in faults]
    begun = [(v, at) for v, at in zip(verdicts, faults, strict=True) if v.after is not None]
    assert len(begun) >= 95
    assert sum(right(verdict, at) for verdict, at in begun) >= len(begun) - 1


def test_a_clean_path_with_limiters_is_always_clean():
    draw = random.Random(1)
    for quiet_too in (False, True):
        verdicts = [simulated(draw, ratio=0, at=1, quiet_too=quiet_too) for _ in range(100)]
        assert {verdict.finding for verdict in verdicts} == {Finding.CLEAN}
