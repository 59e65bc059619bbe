import pytest

from lab.schedule import Change, follow, parse
from netsky.errors import InputError

TEXT = """
# an outage
10 loss --egress b --province 广东 8%   # begins
0.5 dead 5%
70 loss --egress b 0
"""


def test_changes_come_in_the_order_of_their_times():
    changes = parse(TEXT)
    assert [change.at for change in changes] == [0.5, 10, 70]
    assert changes[1] == Change(10, ("loss", "--egress", "b", "--province", "广东", "8%"), 3)


def test_all_bad_lines_are_told_at_once():
    with pytest.raises(InputError) as caught:
        parse("soon loss 8%\n-1 loss 8%\n1 loss '8%\ninf loss 8%\n2 loss 8%\n")
    assert [line.split(":")[0] for line in str(caught.value).split("\n")] == [
        "line 1",
        "line 2",
        "line 3",
        "line 4",
    ]


def test_a_change_that_takes_long_delays_no_later_one_and_drops_none():
    now, made = [100.0], []

    def sleep(seconds):
        now[0] += seconds

    def make(change):
        made.append((change.words[0], now[0]))
        now[0] += 3

    follow(parse("1 a\n2 b\n9 c\n"), make, clock=lambda: now[0], sleep=sleep)
    assert made == [("a", 101.0), ("b", 104.0), ("c", 109.0)]
