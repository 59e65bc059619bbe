"""An address library that builds itself, on a network whose truth is known."""

import json
import sys

from netsky.addresses import dotted
from netsky.targets import library
from testing import ROOT
from testing.netns import needs_root

pytestmark = needs_root


def library_verb(user, *arguments):
    command = [sys.executable, str(ROOT / "netsky_library.py"), *arguments]
    done = user.lab.run(*command, "--config", str(user.folder / "netsky.toml"), "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_discovery_sends_what_it_says_and_publishes_who_answers(user):
    user.write(targets=4)
    user.lab.set_dead(0.9)
    library_verb(user, "build", "--geo", str(user.folder / "geo.csv"), "--lab")
    sends = ("--isp", "cu", "--egress", "b", "--lab", "--replace", "--timeout", "200")
    where = ("--province", "广东,湖南", "--per-block", "4")
    before = user.lab.truth()
    document = library_verb(user, "discover", *sends, *where, "--yes")
    truth = user.lab.truth().since(before).of("b", "cu")
    assert (
        sum(count.seen for slug, count in truth.items() if slug not in ("guangdong", "hunan")) == 0
    )
    for row in document["provinces"]:
        if row["province"] not in ("guangdong", "hunan"):
            assert row["packets_sent"] == 0
            continue
        count = truth[row["province"]]
        assert count.seen == row["packets_sent"] + row["answered"]
        assert count.dropped == row["packets_sent"] - row["answered"]
        assert row["confirmed"] == row["answered"] == row["published"] > 10
    found = library.load(user.folder / "ipdata", "cu")
    texts = [dotted(address) for address in found.addresses.tolist()]
    assert user.ping(*texts, egress="b") == [[text, 0] for text in texts]
