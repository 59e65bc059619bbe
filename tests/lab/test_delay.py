import json
from ipaddress import IPv4Network

import pytest

from lab.errors import LabError
from lab.network import netem
from lab.network.addresses import PLACES
from lab.network.delay import Means
from netsky.errors import InputError
from testing.netns import needs_root

pytestmark = needs_root

SAMPLE = IPv4Network((PLACES[0].prefix.network_address, 25))


def latency(user):
    measured = user.probe("--window", "0.5", "--province", "beijing")
    return measured["provinces"][0]


def devices(lab, egress):
    return lab.run("ip", "-brief", "link", "show", namespace=lab.route(egress).far).stdout


def test_with_netem_only_the_answers_of_the_prefix_pass_its_queue(user):
    far = user.lab.route("a").far
    one, other = list(SAMPLE.subnets(new_prefix=26))
    # Not every kernel has netem: another queue shows who passes it.
    for prefix in (one, other, one):
        netem.put_behind(user.lab.holder, far, prefix, "pfifo limit 1000")
    addresses = [*list(one)[:3], *list(other)[:5], PLACES[1].prefix[1]]
    assert None not in user.ping(*addresses)
    queues = json.loads(user.lab.holder.run(far, "tc", "-s", "-json", "qdisc", "show", "dev", "in"))
    assert sorted(q["packets"] for q in queues if q["kind"] == "pfifo") == [3, 5]
    for prefix in (one, other, one):
        netem.put_behind(user.lab.holder, far, prefix, None)
    assert "pfifo" not in user.lab.holder.run(far, "tc", "qdisc", "show", "dev", "in")
    assert None not in user.ping(*addresses)


def test_of_prefixes_that_overlap_the_narrower_has_the_queue(user):
    far = user.lab.route("a").far
    nested = [IPv4Network((SAMPLE.network_address, bits)) for bits in (25, 30, 32, 27, 20)]
    limits = {prefix: 1000 + prefix.prefixlen for prefix in nested}
    for prefix in nested:
        netem.put_behind(user.lab.holder, far, prefix, f"pfifo limit {limits[prefix]}")

    def passed(prefix):
        """Packets through each queue, by its limit, after one to each prefix's last address."""
        shown = user.lab.holder.run(far, "tc", "-s", "-json", "qdisc", "show", "dev", "in")
        queues = (queue for queue in json.loads(shown) if queue["kind"] == "pfifo")
        return {queue["options"]["limit"]: queue["packets"] for queue in queues}[limits[prefix]]

    assert None not in user.ping(*(prefix[-1] for prefix in nested))
    assert [passed(prefix) for prefix in nested] == [1] * len(nested)
    netem.put_behind(user.lab.holder, far, nested[1], None)
    user.ping(nested[1][-1])
    assert passed(nested[3]) == 2


def test_netem_is_refused_in_one_line_where_the_kernel_has_none(user, monkeypatch):
    monkeypatch.setattr(netem, "available", lambda *_: False)
    with pytest.raises(LabError, match=r"^this kernel has no netem: [^\n]+$"):
        user.lab.set_delay(SAMPLE, 0.02, means=Means.NETEM)
    far = user.lab.route("a").far
    assert "htb" not in user.lab.holder.run(far, "tc", "qdisc", "show", "dev", "in")


def test_the_queue_of_netem_says_how_late():
    assert netem.queue(0.02, 0.0005) == "netem limit 1000000 delay 20000us 500us"


def test_a_sample_answers_late_on_one_egress_and_at_once_when_it_is_taken_back(user):
    user.write(targets=SAMPLE.num_addresses)
    user.lab.set_delay(SAMPLE, 0.02, jitter=0.005, means=Means.RESPONDER, egress="a")
    row = latency(user)
    assert row["loss_ratio"] == 0
    assert row["latency_p50_seconds"] == pytest.approx(0.02, abs=0.002)
    assert row["latency_p95_seconds"] - row["latency_p50_seconds"] > 0.002
    user.lab.set_delay(SAMPLE, 0.05, means=Means.RESPONDER, egress="a")
    assert latency(user)["latency_p50_seconds"] == pytest.approx(0.05, abs=0.002)
    assert "d0a10" in devices(user.lab, "a")
    assert "d0a10" not in devices(user.lab, "b")
    user.lab.set_delay(SAMPLE, 0)
    assert "d0a10" not in devices(user.lab, "a")
    assert user.ping(SAMPLE[5])[0]
    assert user.lab.truth().of("a", "cu")["beijing"].seen == 2 * SAMPLE.num_addresses + 1


def test_a_delay_that_cannot_be_is_an_error(user):
    with pytest.raises(InputError, match="no more jitter than delay"):
        user.lab.set_delay(SAMPLE, 0.01, jitter=0.02)
    with pytest.raises(InputError, match="not within one province"):
        user.lab.set_delay(IPv4Network("10.0.0.0/8"), 0.01)


def test_the_responder_refuses_more_than_it_can_treat(user):
    wide, most = (IPv4Network((SAMPLE.network_address, bits)) for bits in (19, 20))
    with pytest.raises(InputError, match=r"^[^\n]+ responder: delay a /20 or narrower$"):
        user.lab.set_delay(wide, 0.02, means=Means.RESPONDER)
    assert "d0a10" not in devices(user.lab, "a")
    user.lab.set_delay(most, 0.02, means=Means.RESPONDER)
    user.lab.set_delay(wide, 0)
