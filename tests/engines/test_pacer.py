"""Evenly over the span, never faster than the rate, with a clock of our own."""

from netsky.engines.pacer import Pacer


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_packets_are_spread_evenly_over_the_span():
    clock = Clock()
    pacer = Pacer(1000, 10.0, 100_000, clock=clock)
    sent = pacer.allowance(0)
    assert sent == 1
    for tick in range(1, 10):
        clock.now = 100.0 + tick
        sent += pacer.allowance(sent)
        assert sent == tick * 100 + 1


def test_after_a_delay_it_catches_up_at_the_rate_only():
    clock = Clock()
    pacer = Pacer(10_000, 10.0, 2_000, clock=clock)
    clock.now += 5.0  # 5,000 packets late
    sent = pacer.allowance(0)
    assert sent == 2_000 * 0.01 + 1
    for _ in range(200):  # one second, looking every 5 ms
        clock.now += 0.005
        sent += pacer.allowance(sent)
    assert 1_900 <= sent <= 2_030


def test_it_lets_no_more_than_all_packets_go():
    clock = Clock()
    pacer = Pacer(10, 1.0, 1_000_000, clock=clock)
    clock.now += 60.0
    assert pacer.allowance(0) == 10
    assert pacer.allowance(10) == 0
