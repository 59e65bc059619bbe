import pytest

from lab.commands.schedule import Change, follow, parse
from lab.errors import LabError
from netsky.errors import InputError

TEXT = """
# an outage
10 loss --egress b --province 广东 8%   # begins
0.5 dead 5%
70 loss --egress b 0
"""


NOT_UTF8 = "'utf-8' codec can't decode byte 0xff in position 7: invalid start byte"


def accept(_change):
    pass


def test_changes_come_in_the_order_of_their_times():
    changes = parse(TEXT.encode(), accept)
    assert [change.at for change in changes] == [0.5, 10, 70]
    assert changes[1] == Change(10, ("loss", "--egress", "b", "--province", "广东", "8%"), 3)


def test_all_bad_lines_are_told_at_once_each_with_what_is_wrong():
    def refuse_flop(change):
        if change.words[0] == "flop":
            raise InputError("no such command")

    text = b"soon loss 8%\n-1 loss 8%\n1 loss '8%\n2 flop\n2 loss 8%\n1 dead \xff\n99999999999999 dead 0"
    with pytest.raises(InputError) as caught:
        parse(text, refuse_flop)
    assert str(caught.value).split("\n") == [
        "line 1: 'soon loss 8%': a line begins with the seconds after the start",
        "line 2: '-1 loss 8%': the seconds count from 0 to 31622400, a year",
        'line 3: "1 loss \'8%": No closing quotation',
        "line 4: '2 flop': no such command",
        "line 6: '1 dead \ufffd': " + NOT_UTF8,
        "line 7: '99999999999999 dead 0': the seconds count from 0 to 31622400, a year",
    ]


def test_the_mark_that_some_editors_put_first_is_no_part_of_the_seconds():
    assert parse(b"\xef\xbb\xbf1 dead 5%", accept) == (Change(1, ("dead", "5%"), 1),)


def test_a_change_that_takes_long_delays_no_later_one_and_drops_none():
    now, made = [100.0], []

    def sleep(seconds):
        now[0] += seconds

    def make(change):
        made.append((change.words[0], now[0]))
        now[0] += 3

    changes = parse(b"1 a\n2 b\n9 c\n", accept)
    assert follow(changes, make, clock=lambda: now[0], sleep=sleep)
    assert made == [("a", 101.0), ("b", 104.0), ("c", 109.0)]


def test_a_change_that_fails_is_told_at_once_and_the_next_is_made(caplog):
    made = []

    def make(change):
        made.append((change.words[0], list(caplog.messages)))
        if change.words[0] == "b":
            raise LabError("it is gone")

    changes = parse(b"0 a\n0 b x\n0 c\n", accept)
    assert not follow(changes, make, sleep=lambda _: None)
    assert made == [("a", []), ("b", []), ("c", ["line 2: b x: it is gone"])]
