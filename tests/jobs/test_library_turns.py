"""Discovery and refreshes over simulated days: who is found, published, kept and replaced."""

from collections import Counter

import numpy as np
import pytest

from netsky.addresses import dotted
from netsky.errors import InputError, StoppedError
from netsky.jobs import library_discover
from netsky.jobs.asking import Asker
from netsky.jobs.library_discover import Discovery, DiscoveryPlan
from netsky.jobs.library_refresh import Refresh
from netsky.jobs.library_renewal import Place
from netsky.places import BUILTIN_ISPS, PROVINCES, Egress, find_province
from netsky.targets import library, library_state, publishing
from netsky.targets.cities import CITIES_FILE, read_cities
from netsky.targets.geo.join import row_at
from netsky.targets.library_state import LibraryState
from netsky.targets.permission import Permission
from testing.answering import HOUR, Clock, World, candidates

CU = BUILTIN_ISPS["cu"]
TURNS_A_DAY = 8


class Site:
    """A folder, a world, and the two verbs."""

    def __init__(self, folder, *, blocks=64, provinces=6, quota=60, **world):
        self.folder, self.quota = folder, quota
        self.clock = Clock()
        self.world = World(self.clock, **world)
        self.candidates = candidates(blocks, provinces)

    def asker(self, rate=10_000):
        permission = Permission(CU, self.candidates, self.folder / "ipdata", lab=False)
        return Asker(self.world, Egress(), permission, rate, 0.5)

    def place(self, **options):
        return Place(self.folder / "ipdata", CU, self.quota, **options)

    def state(self):
        found = library_state.load(self.folder / "library", "cu")
        if found is None:
            found = LibraryState.begin(self.candidates)
            found.facts.seed = 7
        return found

    def discover(
        self, *, per_block=32, thorough=(), most_packets=10**7, provinces=PROVINCES, **place
    ):
        names = tuple(find_province(name) for name in thorough)
        plan = DiscoveryPlan(provinces, self.place(**place), per_block, names, most_packets)
        job = Discovery(self.state(), self.candidates, plan, self.folder / "library", self.clock)
        return job.run(self.asker())

    def refresh(self, *, most_packets=10**7, hours=3.0, **place):
        self.clock.seconds = (self.clock.seconds // (hours * HOUR) + 1) * hours * HOUR
        return Refresh(
            self.state(),
            self.candidates,
            self.place(**place),
            self.folder / "library",
            most_packets,
            self.clock,
        ).run(self.asker())

    def published(self):
        return library.load(self.folder / "ipdata", "cu").addresses

    def pool(self):
        return self.state().pool


@pytest.fixture
def site(tmp_path):
    return lambda **options: Site(tmp_path, **options)


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    """A site after a discovery and three days, as a folder to copy, and what each turn told."""
    made = Site(tmp_path_factory.mktemp("settled"))
    made.discover()
    return made, [made.refresh() for _ in range(26)]


@pytest.fixture
def copy(settled, tmp_path):
    """A site of one's own that is settled."""
    import copy as copies
    import shutil

    made, _ = settled
    own = copies.copy(made)
    own.folder = tmp_path / "site"
    shutil.copytree(made.folder, own.folder)
    own.clock = Clock(made.clock.seconds)
    own.world = World(own.clock)
    return own


def packets_by_block(world):
    by_block = Counter()
    for address, packets in world.sent.items():
        by_block[address >> 8] += packets
    return by_block


# Discovery


def test_a_discovery_finds_exactly_the_living_it_asked(site):
    made = site(steady=0.05, restless=0.0, loss=0.0)
    report = made.discover()
    asked = np.array(sorted(made.world.sent), np.uint32)
    living = asked[made.world.always(asked)]
    assert made.pool().address.tolist() == living.tolist()
    assert report.answered.sum() == report.confirmed.sum() == len(living)
    assert report.complete


def test_no_block_gets_more_than_its_packets_the_confirmation_included(site):
    made = site(steady=0.3)
    made.discover(per_block=16)
    assert max(packets_by_block(made.world).values()) == 16
    assert max(made.world.sent.values()) == 2  # found, and confirmed


def test_a_thorough_province_is_asked_whole_and_no_other(site):
    made = site(steady=0.05, restless=0.0, quota=2000)
    made.discover(thorough=["tianjin"], provinces=())
    asked = Counter((address >> 16) - 0x100 for address in made.world.sent)
    assert asked == {1: 64 * 254}


def test_first_and_last_addresses_of_a_block_are_never_asked(site):
    made = site()
    made.discover(thorough=["beijing"])
    assert {address & 0xFF for address in made.world.sent}.isdisjoint({0, 255})


def test_it_ends_when_enough_are_found(site):
    made = site(steady=0.9, quota=1)
    made.discover()
    assert max(packets_by_block(made.world).values()) <= 4 + 4


def test_blocks_with_answers_are_asked_before_silent_ones(site, monkeypatch):
    made = site(steady=0.0, restless=0.0, quota=30)
    living = set(range(0x10000, 0x10000 + 8))
    monkeypatch.setattr(
        made.world, "answers", lambda a: np.isin(a >> 8, np.array(sorted(living), np.uint32))
    )
    monkeypatch.setattr(library_discover, "SPACING_SECONDS", 0.0)  # a round has room for these only
    made.discover(provinces=(PROVINCES[0],))
    by_block = packets_by_block(made.world)
    assert min(by_block[block] for block in living) > 20
    assert sorted(by_block.values())[len(by_block) // 2] <= 32


@pytest.mark.parametrize("killed_at", [1, 2, 5, 9])
def test_killed_it_goes_on_and_sends_nothing_twice(site, killed_at):
    made = site(steady=0.05)
    sweep, calls = made.world.sweep, Counter()

    class Killed(BaseException):
        pass

    def dying(*arguments):
        calls["sweeps"] += 1
        if calls["sweeps"] == killed_at:
            sweep(*arguments)
            raise Killed  # the packets are out, and nobody reads the replies
        return sweep(*arguments)

    made.world.sweep = dying
    with pytest.raises(Killed):
        made.discover()
    first = made.state().facts.discovery_at
    report = made.discover()
    assert report.complete
    assert max(packets_by_block(made.world).values()) <= 32
    found = set(made.pool().address.tolist())
    assert max(made.world.sent.values()) <= 2
    assert {a for a, packets in made.world.sent.items() if packets == 2} <= found
    assert made.state().facts.discovery_at == first


def test_the_packets_of_a_day_are_kept_and_it_goes_on_the_next_day(site):
    made = site()
    report = made.discover(most_packets=5000)
    assert not report.complete
    assert sum(made.world.sent.values()) == 5000
    assert not (made.folder / "ipdata/cu").exists()
    made.clock.seconds += 24 * HOUR
    while not made.discover(most_packets=5000).complete:
        made.clock.seconds += 24 * HOUR
    assert max(packets_by_block(made.world).values()) <= 32
    assert len(made.published()) > 50


def test_a_second_discovery_asks_others(site):
    made = site(steady=0.01, restless=0.0, quota=2000)
    made.discover()
    first = set(made.world.sent)
    made.world.sent.clear()
    made.clock.seconds += 24 * HOUR
    made.discover()
    again = first & set(made.world.sent)
    assert not again
    assert len(made.world.sent) > 10_000


def test_policing_stops_it_and_what_was_found_is_kept(site):
    made = site(steady=0.2, blocks=128, provinces=31)
    made.world.most_answers = None
    sweep, calls = made.world.sweep, Counter()

    def policed(*arguments):
        calls["sweeps"] += 1
        made.world.most_answers = 10 if calls["sweeps"] > 3 else None
        return sweep(*arguments)

    made.world.sweep = policed
    with pytest.raises(StoppedError, match="only 10 answered of some"):
        made.discover()
    assert calls["sweeps"] == 4
    assert len(made.pool()) > 1000
    assert not made.state().facts.finished


def test_a_dead_exit_is_told(site):
    made = site(steady=0.0, restless=0.0, blocks=128, provinces=31)
    with pytest.raises(StoppedError, match="is this exit alive"):
        made.discover()
    assert not (made.folder / "ipdata/cu").exists()


def test_addresses_of_exclude_txt_are_not_asked(site):
    made = site()
    (made.folder / "ipdata").mkdir()
    (made.folder / "ipdata/exclude.txt").write_text("1.0.0.0/18\n")
    made.discover()
    assert min(made.world.sent) >= (1 << 24) + (1 << 14)


def test_a_library_of_a_person_is_not_replaced_and_nothing_is_sent(site):
    made = site()
    (made.folder / "ipdata/cu").mkdir(parents=True)
    (made.folder / "ipdata/cu/hunan.txt").write_text("1.2.3.4\n")
    with pytest.raises(InputError, match="say --replace"):
        made.discover()
    assert not made.world.sent
    made.discover(replace=True)
    assert len(made.published()) > 100


def test_a_first_library_is_published_and_provisional(site):
    made = site()
    report = made.discover()
    assert report.published.sum() == len(made.published())
    assert (report.provisional == (report.published > 0)).all()
    blocks = np.unique(made.published() >> 8, return_counts=True)[1]
    assert blocks.max() <= 4
    assert report.published.max() == made.quota


# Refreshes


def test_after_three_days_only_those_who_are_always_there_are_published(settled):
    made, reports = settled
    assert [int(report.provisional.sum()) for report in (reports[0], reports[-1])] == [6, 0]
    assert made.world.always(made.published()).all()
    assert np.nanmin(reports[-1].response) > 0.93


def test_its_loss_hardly_rises_over_its_mean_of_twelve_hours(copy):
    """An alarm would begin at 5 points; a library of one look rises 13 each day."""
    copy.world.loss = 0.0  # with 60 targets a province chance alone would make it rise
    losses = []
    for _ in range(2 * TURNS_A_DAY):
        report = copy.refresh()
        weights = report.published
        losses.append(1 - np.nansum(report.response * weights) / weights.sum())
    rises = [losses[n] - np.mean(losses[n - 4 : n]) for n in range(4, len(losses))]
    assert max(losses) < 0.03
    assert max(rises) < 0.01


def test_an_outage_of_a_province_drops_nobody(copy):
    before = set(copy.published().tolist())
    copy.world.down = {"hebei": 0.4}
    reports = [copy.refresh() for _ in range(4)]
    judged = np.array([report.judgement.judged for report in reports])
    assert not judged[:, 2].any()
    assert judged[:, [0, 1, 3, 4, 5]].mean() > 0.9
    assert not any(report.complete for report in reports)
    copy.world.down = {}
    assert copy.refresh().judgement.judged[2]
    index = PROVINCES.index(find_province("hebei"))
    hebei = {a for a in before if (a >> 16) - 0x100 == index}
    assert hebei <= set(copy.published().tolist())


def test_a_province_that_stays_away_is_judged_after_a_day_and_shrinks_slowly(copy):
    copy.world.down = {"hebei": 1.0}
    reports = [copy.refresh() for _ in range(3 * TURNS_A_DAY)]
    judged = [bool(report.judgement.judged[2]) for report in reports]
    assert judged == [False] * 8 + [True] * 16
    before, after = reports[0].published[2], reports[-1].published[2]
    assert 0.85 * before <= after < before


def test_a_dead_exit_changes_nothing(copy):
    before, state = copy.published().tolist(), copy.pool().looks.tolist()
    copy.world.down = {province.slug: 1.0 for province in PROVINCES}
    with pytest.raises(StoppedError):
        copy.refresh()
    assert copy.published().tolist() == before
    assert copy.pool().looks.tolist() == state


def test_those_that_die_are_replaced_within_a_day(copy):
    now = copy.clock()
    dying = copy.published()[::40].tolist()
    copy.world.died = dict.fromkeys(dying, now)
    sizes = len(copy.published())
    reports = [copy.refresh() for _ in range(TURNS_A_DAY)]
    left = set(copy.published().tolist())
    assert left.isdisjoint(dying)
    assert sum(int(report.changes.removed.sum()) for report in reports) == len(dying)
    assert len(left) >= 0.97 * sizes


def test_at_most_a_twentieth_of_a_province_changes_in_a_day(copy):
    copy.world.died = dict.fromkeys(copy.published()[::4].tolist(), copy.clock())
    before = copy.pool().counts(copy.pool().member)
    copy.world.loss = 0.0
    reports = [copy.refresh() for _ in range(3 * TURNS_A_DAY)]
    removed = np.array([report.changes.removed for report in reports])
    for start in range(len(reports) - TURNS_A_DAY):
        day = removed[start : start + TURNS_A_DAY].sum(axis=0)
        assert (day <= np.maximum(1, 0.05 * before)).all()
    assert removed.sum() > 0


def test_a_target_of_a_tiny_province_that_dies_stops_no_turn(site):
    made = site(blocks=8, provinces=3, quota=4, steady=0.1, restless=0.0, loss=0.0)
    made.discover()
    for _ in range(26):
        made.refresh()
    tiny = of_province(made, 0)
    assert len(tiny) == 4
    of_tiny = made.pool().address[made.pool().province == 0].tolist()
    made.world.died = dict.fromkeys(set(of_tiny) - set(tiny[:2]), made.clock())
    for _ in range(8 * TURNS_A_DAY):
        made.refresh()
    assert of_province(made, 0) == tiny[:2]
    made.world.died = dict.fromkeys(of_tiny, made.clock())
    for _ in range(8 * TURNS_A_DAY):
        made.refresh()
    assert len(of_province(made, 0)) == 1, "the last one stays"


def test_what_exclude_txt_names_leaves_at_once(copy):
    target = int(copy.published()[0])
    text = ".".join(str(octet) for octet in target.to_bytes(4, "big"))
    (copy.folder / "ipdata/exclude.txt").write_text(f"{text}\n")
    copy.world.sent.clear()
    copy.refresh()
    assert target not in copy.world.sent
    assert target not in publishing.read_published(copy.folder / "ipdata", "cu")[PROVINCES[0]]


def test_a_province_does_not_lose_a_fifth_at_once_unless_that_is_accepted(copy):
    before = copy.published().tolist()
    (copy.folder / "ipdata/exclude.txt").write_text("1.0.0.0/19\n")
    with pytest.raises(InputError, match=r"(?s)beijing: \d+ would become \d+.*say --accept-change"):
        copy.refresh()
    assert (
        publishing.read_published(copy.folder / "ipdata", "cu")[PROVINCES[0]].tolist()
        == (before[: len(publishing.read_published(copy.folder / "ipdata", "cu")[PROVINCES[0]])])
    )
    copy.refresh(accept_change=True)
    assert copy.published().min() >= (1 << 24) + (1 << 13)


def test_new_prefixes_of_a_build_are_sampled_a_little(copy):
    copy.candidates = candidates(80, 6)
    copy.world.sent.clear()
    report = copy.refresh()
    new = [a for a in copy.world.sent if (a >> 8) & 0xFF >= 64]
    assert len(new) == 6 * 16 * 4
    assert 0 < report.found < len(new)
    copy.world.sent.clear()
    copy.refresh()
    assert len([a for a in copy.world.sent if (a >> 8) & 0xFF >= 64]) == report.found


def test_an_address_that_moved_to_another_province_is_published_there(copy):
    moved = copy.candidates
    province = moved.province.copy()
    province[(moved.first >> 8) == 0x10020] = 5  # the second half of beijing
    copy.candidates = type(moved)(
        moved.first, moved.last, moved.isp, province, moved.city, moved.cities
    )
    report = copy.refresh(accept_change=True)
    assert report.moved[5] > 10
    found = publishing.read_published(copy.folder / "ipdata", "cu")
    assert found[PROVINCES[0]].max() < 0x10020 << 8
    assert report.moved[5] == np.count_nonzero(copy.pool().address >> 13 == 0x10020 >> 5)


def test_after_a_way_back_it_goes_on_from_the_library_that_is_there(copy):
    copy.world.died = dict.fromkeys(copy.published()[:3].tolist(), copy.clock())
    while not any(copy.refresh().changes.removed):
        pass
    publishing.roll_back(copy.folder / "ipdata", "cu")
    before = set(copy.published().tolist())
    report = copy.refresh()
    assert len(before - set(copy.published().tolist())) <= 6 * 3
    assert report.changes.removed.max() <= 3


def test_the_cities_of_what_is_published_are_beside_it(settled):
    made, _ = settled
    cities = read_cities(made.folder / "ipdata/cu" / CITIES_FILE)
    published = made.published()
    row = row_at((made.candidates.first, made.candidates.last), published)
    city = made.candidates.city[row]
    for number, name in enumerate(made.candidates.cities[1:], 1):
        assert cities.of(published[city == number]) == (name,)


# What must not be lost, and what must not leave the gate


def of_province(made, index):
    live = publishing.read_published(made.folder / "ipdata", "cu")
    return live.get(PROVINCES[index], np.empty(0, np.uint32)).tolist()


def test_a_discovery_publishes_nobody_who_is_in_exclude_txt_by_now(copy):
    excluded = copy.published()[:3].tolist()
    lines = "".join(f"{dotted(address)}\n" for address in excluded)
    (copy.folder / "ipdata/exclude.txt").write_text(lines)
    copy.clock.seconds += 8 * 24 * HOUR
    copy.discover()
    assert set(of_province(copy, 0)).isdisjoint(excluded)
    assert set(copy.pool().address.tolist()).isdisjoint(excluded)


def test_who_is_excluded_while_a_discovery_runs_is_not_published(site):
    made = site(steady=0.05)
    (made.folder / "ipdata").mkdir()
    sweep = made.world.sweep

    def excluding(*arguments):
        ended = sweep(*arguments)
        (made.folder / "ipdata/exclude.txt").write_text("1.0.0.0/19\n")
        return ended

    made.world.sweep = excluding
    made.discover()
    assert min(of_province(made, 0)) >= (1 << 24) + (1 << 13)


def test_who_is_excluded_while_a_refresh_runs_is_asked_no_more_and_not_published(copy):
    target = int(copy.published()[0])
    sweep = copy.world.sweep
    copy.world.sent.clear()

    def excluding(*arguments):
        (copy.folder / "ipdata/exclude.txt").write_text(f"{dotted(target)}\n")
        return sweep(*arguments)

    copy.world.sweep = excluding
    copy.refresh()
    assert copy.world.sent[target] <= 1
    assert target not in of_province(copy, 0)


def test_a_mistake_in_exclude_txt_costs_nothing_of_what_is_known(copy):
    known = copy.pool()
    copy.world.sent.clear()
    (copy.folder / "ipdata/exclude.txt").write_text("1.0.0.0/8\n")
    for verb in (copy.refresh, copy.discover):
        with pytest.raises(InputError, match=r"is exclude\.txt right"):
            verb()
    assert not copy.world.sent
    (copy.folder / "ipdata/exclude.txt").write_text("")
    assert copy.pool().address.tolist() == known.address.tolist()
    assert copy.pool().looks.tolist() == known.looks.tolist()


def test_a_discovery_publishes_who_has_moved_in_the_province_of_the_new_build(copy):
    moved = copy.candidates
    province = moved.province.copy()
    province[(moved.first >> 8) == 0x10020] = 5
    copy.candidates = type(moved)(
        moved.first, moved.last, moved.isp, province, moved.city, moved.cities
    )
    copy.discover(accept_change=True)
    assert max(of_province(copy, 0)) < 0x10020 << 8


def test_killed_in_the_middle_a_turn_has_used_packets_of_the_day(copy):
    class Killed(BaseException):
        pass

    def dying(*_arguments):
        raise Killed

    known, sent, copy.world.sweep = len(copy.pool()), copy.state().facts.sent, dying
    with pytest.raises(Killed):
        copy.refresh()
    assert copy.state().facts.sent == sent + known


def test_a_discovery_while_the_clock_was_years_ahead_is_proved_in_time(site):
    made = site()
    made.clock.seconds += 3 * 365 * 24 * HOUR
    made.discover()
    made.clock.seconds -= 3 * 365 * 24 * HOUR
    reports = [made.refresh() for _ in range(28)]
    assert reports[-1].provisional.sum() == 0


def test_a_province_whose_file_is_missing_is_whole_again_at_once(copy):
    before = len(of_province(copy, 2))
    (copy.folder / "ipdata/cu/hebei.txt").unlink()
    copy.refresh()
    assert len(of_province(copy, 2)) >= 0.9 * before


def test_a_second_outage_soon_after_a_long_one_is_no_more_judged(copy):
    copy.world.down = {"hebei": 1.0}
    for _ in range(4 * TURNS_A_DAY):
        copy.refresh()
    copy.world.down = {}
    for _ in range(3):
        copy.refresh()
    before = of_province(copy, 2)
    copy.world.down = {"hebei": 0.5}
    reports = [copy.refresh() for _ in range(7)]
    assert not any(report.judgement.judged[2] for report in reports)
    assert of_province(copy, 2) == before


def test_a_library_found_over_many_days_does_not_shrink_to_the_first_that_are_proved(site):
    made = site(quota=100, provinces=2)
    sizes, complete = [], False
    for _ in range(13):
        complete = complete or made.discover(most_packets=1000).complete
        sizes += [made.refresh().published for _ in range(TURNS_A_DAY)]
    assert complete
    assert not made.state().provisional().any()
    shrunk = np.array(sizes)[1:, :2] / np.array(sizes)[:-1, :2]
    final = made.pool().counts(made.pool().proved(made.clock()))
    assert (sizes[-1] >= 0.75 * final).all()
    assert shrunk.min() > 0.3


@pytest.mark.parametrize("quota", [60, 400])
def test_an_outage_of_the_only_province_is_not_judged_while_it_is_provisional(site, quota):
    made = site(provinces=1, blocks=min(256, 2 * quota), quota=quota)
    made.discover()
    assert all(made.refresh().judgement.judged[0] for _ in range(12)), "by day and by night"
    known = made.pool().address.tolist()
    made.world.down = {"beijing": 0.4}
    assert not any(made.refresh().judgement.judged[0] for _ in range(3))
    assert made.pool().address.tolist() == known
    made.world.down = {}
    assert made.refresh().judgement.judged[0]


def test_a_dense_province_that_is_away_stops_no_turn_of_the_others(site):
    made = site(blocks=16, quota=2000, steady=0.2)
    made.discover()
    made.discover(thorough=["hebei"], provinces=())
    made.world.down = {"hebei": 1.0}
    report = made.refresh()
    assert report.judgement.judged.tolist() == [i != 2 for i in range(31)]


def test_policing_that_begins_within_a_turn_stops_it(site):
    made = site(blocks=16, quota=2000, steady=0.4, restless=0.0)
    made.discover()
    sweep, calls = made.world.sweep, Counter()

    def policed(*arguments):
        calls["sweeps"] += 1
        made.world.most_answers = 5 if calls["sweeps"] > 3 else None
        return sweep(*arguments)

    made.world.sweep = policed
    with pytest.raises(StoppedError, match="somebody limits these packets"):
        made.refresh()


def random_events(made, dice):
    """Let some of the published die, one be excluded, and a province be away or there again."""
    published = made.published()
    if dice.random() < 0.2:
        dying = dice.choice(published, max(1, len(published) // int(dice.integers(10, 60))))
        made.world.died |= dict.fromkeys(dying.tolist(), made.clock())
    if dice.random() < 0.1:
        with (made.folder / "ipdata/exclude.txt").open("a") as exclude:
            exclude.write(f"{dotted(int(dice.choice(published)))}\n")
    if dice.random() < 0.3:
        away = PROVINCES[dice.integers(4)].slug
        made.world.down = {away: dice.choice([0.3, 0.6, 1.0])} if not made.world.down else {}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_the_rules_of_a_library_hold(copy, seed):
    made, dice, turns = copy, np.random.default_rng(seed), []
    for _ in range(24):
        before = [set(of_province(made, index)) for index in range(4)]
        random_events(made, dice)
        forbidden = publishing_forbidden(made)
        try:
            judged = made.refresh().judgement.judged
        except (StoppedError, InputError):
            judged = np.zeros(31, np.bool_)
        after = [set(of_province(made, index)) for index in range(4)]
        changes = [
            max(len(old - new - forbidden), len(new - old))
            for old, new in zip(before, after, strict=True)
        ]
        assert not np.array(changes)[~judged[:4]].any(), "an outage changes nothing"
        turns.append((changes, [len(old) for old in before]))
        published = made.published()
        assert np.unique(published >> 8, return_counts=True)[1].max() <= 4
        assert set((published & 0xFF).tolist()).isdisjoint({0, 255})
        assert made.asker().permission.allows(published).all()
    for start in range(len(turns) - TURNS_A_DAY):
        day = np.sum([changes for changes, _ in turns[start : start + TURNS_A_DAY]], axis=0)
        largest = np.max([sizes for _, sizes in turns[start : start + TURNS_A_DAY]], axis=0)
        assert (day <= np.maximum(1, 0.05 * largest)).all()


def publishing_forbidden(made):
    """Who may not be published any more."""
    live = publishing.read_published(made.folder / "ipdata", "cu")
    published = np.concatenate(list(live.values()))
    return set(published[~made.asker().permission.allows(published)].tolist())


def test_too_few_packets_left_of_the_day_are_told_and_nothing_is_sent(copy):
    copy.world.sent.clear()
    with pytest.raises(StoppedError, match="packets of the day are left"):
        copy.refresh(most_packets=10)
    assert not copy.world.sent
