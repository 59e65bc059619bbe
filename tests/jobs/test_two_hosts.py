"""Two probes with one name for two lines: each is told, its sweeps are stored all the same, exit 3."""

from testing.faults.three_tools import PROBE, error_of, make_site, run, sweeps_in


def test_the_third_time_that_a_host_comes_back_it_is_told_of_the_other(tmp_path, monkeypatch):
    site = make_site(tmp_path)
    ended = []
    for name in ("bj-probe 1a2b3c4d", "sh-probe 5e6f7a8b") * 3:
        monkeypatch.setattr("netsky.store.hosts.this_host", lambda name=name: name)
        done = run(site, PROBE)
        ended.append(done.returncode)
        if done.returncode:
            other = "sh-probe 5e6f7a8b" if name.startswith("bj") else "bj-probe 1a2b3c4d"
            assert error_of(done, 3).startswith(
                f"stored, but database sqlite:///netsky_cu.db: host {other} stores sweeps of this ISP "
                "and exit in turns with this host"
            )
    assert ended == [0, 0, 0, 0, 3, 3]
    assert sweeps_in(site / "netsky_cu.db") == 6
    assert run(site, PROBE).returncode == 0  # the same host again: the other may have gone
