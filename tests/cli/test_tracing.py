"""Through which other exits evidence is compared."""

from dataclasses import replace

from netsky.cli.lines import Lines
from netsky.cli.probing import LibraryOptions
from netsky.cli.settings import Settings
from netsky.cli.tracing import other_exits
from netsky.places import BUILTIN_ISPS, Egress
from netsky.targets.memory_file import file_name

CU = BUILTIN_ISPS["cu"]


def others(tmp_path, *, exits, probed=(), isp=CU):
    """The names of those that exit 0 is compared with; through `probed` the memory knows its ISP."""
    every = [Egress(f"e{number}", fwmark=number) for number in range(exits)]
    again = replace(every[0], name="again")  # another name of the same exit
    settings = Settings(egresses={each.name: each for each in [*every, again]})
    for number in probed:
        (tmp_path / file_name(CU.slug, f"e{number}")).touch()
    library = LibraryOptions(tmp_path / "ipdata", ())
    lines = Lines("cu", "e0", settings)
    return [each.name for each in other_exits(lines, library, tmp_path, isp, every[0])]


def test_an_exit_is_traced_where_none_is_among_all(tmp_path):
    spare = Egress("spare", fwmark=1, in_all=False)
    other = Egress("other", fwmark=2, in_all=False)
    lines = Lines("cu", "spare", Settings(egresses={each.name: each for each in (spare, other)}))
    assert other_exits(lines, LibraryOptions(tmp_path, ()), tmp_path, CU, spare) == []


def test_three_others_are_all_compared_with(tmp_path):
    assert others(tmp_path, exits=4, probed=[1]) == ["e1", "e2", "e3"]


def test_of_many_those_are_compared_with_through_which_the_isp_is_probed(tmp_path):
    assert others(tmp_path, exits=80, probed=[0, 9, 30]) == ["e9", "e30"]
    assert others(tmp_path, exits=80, probed=[*range(40, 80)]) == ["e9", "e52", "e66"]


def test_where_nobody_knows_they_are_from_all_over(tmp_path):
    assert others(tmp_path, exits=80) == ["e1", "e27", "e53"]
    assert others(tmp_path, exits=80, isp=None) == ["e1", "e27", "e53"]
