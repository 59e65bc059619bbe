from ipaddress import IPv4Network, collapse_addresses

import pytest

from lab.network.addresses import (
    ISPS,
    PLACES,
    Place,
    isp_prefix,
    make_routes,
    place_of,
    select_places,
)
from netsky.errors import InputError


def test_each_isp_has_a_million_addresses_and_no_address_has_two_places():
    prefixes = [place.prefix for place in PLACES]
    assert len(PLACES) == 93
    assert sum(prefix.num_addresses for prefix in prefixes) == 3 * 31 * 32_768 == 3 * 1_015_808
    assert sum(each.num_addresses for each in collapse_addresses(prefixes)) == 3 * 1_015_808
    for place in PLACES:
        assert place.prefix.subnet_of(isp_prefix(place.isp))


@pytest.mark.parametrize(
    ("place", "prefix"),
    [
        (Place("cu", "beijing"), "10.16.0.0/17"),
        (Place("cu", "tianjin"), "10.16.128.0/17"),
        (Place("cu", "guangdong"), "10.25.0.0/17"),
        (Place("ct", "xinjiang"), "10.63.0.0/17"),
    ],
)
def test_a_place_always_has_the_same_prefix(place, prefix):
    assert place.prefix == IPv4Network(prefix)


def test_a_part_of_a_province_tells_its_place():
    for place in PLACES:
        assert place_of(place.prefix) == place
        assert place_of(list(place.prefix.subnets(new_prefix=24))[-1]) == place


@pytest.mark.parametrize("prefix", ["10.16.0.0/16", "10.31.128.0/17", "10.15.0.0/24", "8.0.0.0/24"])
def test_a_prefix_that_is_not_within_one_province_is_an_error(prefix):
    with pytest.raises(InputError, match="not within one province"):
        place_of(IPv4Network(prefix))


def test_what_is_not_said_stands_for_all():
    assert select_places(None, None) == PLACES
    assert len(select_places("cm", None)) == 31
    assert select_places(None, "hainan") == tuple(Place(isp, "hainan") for isp in ISPS)
    assert select_places("ct", "hainan") == (Place("ct", "hainan"),)
    with pytest.raises(InputError, match="no ISP 'edu'"):
        select_places("edu", None)


def test_every_address_of_every_wire_is_another():
    routes = make_routes(("a", "b", "c"), 5)
    addresses = [end for route in routes for wire in route.wires for end in (wire.near, wire.far)]
    assert len(set(addresses)) == 3 * 6 * 2
    assert len({route.source for route in routes}) == 3


@pytest.mark.parametrize(
    ("egresses", "hops"), [((), 3), (("a", "a"), 3), (("A",), 3), (("a" * 11,), 3), (("a",), 0)]
)
def test_a_lab_that_cannot_be_is_an_error(egresses, hops):
    with pytest.raises(InputError):
        make_routes(egresses, hops)
