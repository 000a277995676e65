"""Maps of figures by ward and LSOA: declared boundaries, classes, what is drawn and what is said.

Here: every refusal of a boundary file, which set holds in a year, and four drawn squares by visible
arithmetic. Not here: which figures may be shown by place (`test_patterns`, `test_disclosure`).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_edition import YEAR, edition, hidden, value
from small_folder import refresh
from test_sources_police import extract, row

from safecity_pipeline import rebuilding, registry, settings, tables
from safecity_pipeline.model import Refused
from safecity_pipeline.publish import patterns, products, report
from safecity_pipeline.publish.report import drawing, maps
from safecity_pipeline.publish.report.figures import Figures
from safecity_pipeline.publish.report.maps import Class, classes
from safecity_pipeline.publish.report.pictures import Picture
from safecity_pipeline.refresh import Refresh
from safecity_pipeline.registry import Registry, boundaries
from safecity_pipeline.registry.boundaries import Boundaries
from safecity_pipeline.sample import boundaries as made_up
from safecity_pipeline.sample.crime_scenes import WARDS

CRIME = "recorded_crime_count"
MAP = f"map-ward-{CRIME}.svg"
CREDIT = "Contains OS data & Crown copyright 2015"
Json = dict[str, Any]

# --- four squares --------------------------------------------------------------------------------

# A B   Each 0.02 degrees wide and 0.01 high, about 60 degrees north, where the cosine is a half:
# C D   on the map they are squares of 400 / 2 pixels.
SQUARES = {"A": (-1.02, 60.0), "B": (-1.0, 60.0), "C": (-1.02, 59.99), "D": (-1.0, 59.99)}


def square(name: str) -> Json:
    west, south = SQUARES[name]
    east, north = round(west + 0.02, 2), round(south + 0.01, 2)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {"name": name, "no": 7}, "geometry": shape}


def squares() -> Json:
    return {
        "type": "FeatureCollection",
        "synthetic": True,
        "features": [square(name) for name in SQUARES],
    }


SET = {
    "level": '"ward"',
    "file": '"wards.geojson"',
    "property": '"name"',
    "from": "2009-04-01",
    "attribution": f'"{CREDIT}"',
}


def declare(folder: Path, sets: Mapping[str, Mapping[str, str]], document: Json | str) -> Path:
    """A deployment with these sets, and their file."""
    text = document if isinstance(document, str) else json.dumps(document)
    (folder / "wards.geojson").write_text(text, encoding="utf-8")
    lines = ['area_code = "E06000045"', 'area_name = "Southampton"', 'year = "2014-15"']
    for key, said in sets.items():
        lines += [f"[boundaries.{key}]", *(f"{name} = {told}" for name, told in said.items())]
    file = folder / "safecity.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def wards(folder: Path, document: Json | str = "", **changed: str) -> tuple[Boundaries, ...]:
    """The sets of wards that are read of a deployment."""
    said = {name: told for name, told in {**SET, **changed}.items() if told}
    return boundaries.load(declare(folder, {"squares": said}, document or squares()))


# --- what is refused -----------------------------------------------------------------------------


def altered(alter: Callable[[Json], object]) -> Json:
    """The four squares, of which the first feature is altered."""
    document = squares()
    alter(document["features"][0])
    return document


def ring(first: Json) -> list[Any]:
    found: list[Any] = first["geometry"]["coordinates"][0]
    return found


def moved(east: float, north: float) -> Json:
    return altered(lambda first: ring(first).__setitem__(1, [east, north]))


REFUSED: list[tuple[Json | str, str]] = [
    ("eastings, northings", "wards.geojson: not GeoJSON: no JSON text"),
    ("[NaN]", "not GeoJSON: no JSON text"),
    ("[" * 100_000, "not GeoJSON: no JSON text"),
    ({"type": "Topology"}, "no FeatureCollection; got: 'Topology'"),
    ({"type": "FeatureCollection", "features": []}, "no area stands in it"),
    ({**squares(), "crs": {"name": "EPSG::27700"}}, "not in longitude and latitude"),
    (altered(lambda first: first["properties"].pop("name")), "feature 1: no property name; got"),
    (altered(lambda first: first.update(properties=None)), "no property name"),
    (altered(lambda first: first["properties"].update(name=7)), "name is no text; got: 7"),
    (altered(lambda first: first["properties"].update(name="a\0")), "name is no text"),
    (altered(lambda first: first["properties"].update(name="B")), "feature 2: an area that is"),
    (altered(lambda first: first["geometry"].update(type="Point")), "not a Polygon or Multi"),
    (altered(lambda first: first.update(geometry=None)), "not a Polygon or MultiPolygon"),
    (altered(lambda first: first["geometry"].update(coordinates=[])), "no coordinates"),
    (altered(lambda first: ring(first).pop()), r"feature 1 \(A\): a ring that is not closed"),
    (altered(lambda first: ring(first).__delitem__(slice(1, 3))), "four positions or more"),
    (altered(lambda first: ring(first).__setitem__(slice(1, 4), ring(first)[:1] * 3)), "no area"),
    (altered(lambda first: ring(first).__setitem__(1, ["1", 2])), "a position is two numbers"),
    (moved(442_000.0, 112_000.0), r"National Grid; got: \[442000.0, 112000.0\]; reproject to WGS"),
    (moved(59.99, -1.0), "latitude stands before longitude"),
    (moved(10**400, 51.0), "no longitude and latitude of these islands"),
    (moved(0.0, 0.0), "no longitude and latitude of these islands"),
]


@pytest.mark.parametrize(("document", "words"), REFUSED)
def test_a_file_that_is_not_understood_is_refused_with_the_place(
    document: Json | str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match=words) as caught:
        wards(tmp_path, document)
    assert caught.value.place.startswith("wards.geojson") and caught.value.repair


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"file": '"gone.geojson"'}, "file: no such file; got: 'gone.geojson'"),
        ({"level": '"county"'}, "unknown level; got: 'county'; known: ward, lsoa"),
        ({"propety": '"name"'}, "unknown key; got: 'propety'; did you mean property"),
        ({"attribution": ""}, "attribution is missing"),
        ({"attribution": '" "'}, "attribution is a text"),
        ({"from": '"2009"'}, "from is a day; got: '2009'"),
        ({"until": "2008-01-01"}, "until lies before from"),
    ],
)
def test_a_slip_in_what_is_declared_is_refused(
    changed: dict[str, str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match=words) as caught:
        wards(tmp_path, **changed)
    assert caught.value.place.startswith("safecity.toml [boundaries.squares]")


def test_two_sets_of_a_level_on_one_day_are_refused(tmp_path: Path) -> None:
    old, new = {**SET, "until": "2014-05-22"}, {**SET, "from": "2014-05-22"}
    with pytest.raises(Refused, match=r"\[boundaries.new\] from: old is still in force then"):
        boundaries.load(declare(tmp_path, {"new": new, "old": old}, squares()))
    both = {"old": old, "new": {**new, "from": "2014-05-23"}, "lsoas": {**new, "level": '"lsoa"'}}
    assert len(boundaries.load(declare(tmp_path, both, squares()))) == 3


def test_a_file_too_large_for_a_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="larger than 10 MB"):
        wards(tmp_path, json.dumps(squares()) + " " * boundaries.MOST_BYTES)


def test_positions_are_rounded_alike_on_both_sides_and_no_area_vanishes(tmp_path: Path) -> None:
    fine, (west, south) = squares(), SQUARES["A"]
    # 0.00004 degrees, three metres, from the corner: one position of four decimals.
    fine["features"][0]["geometry"]["coordinates"][0].insert(1, [west + 0.00004, south])
    tiny = [[0.0, 60.0], [0.00001, 60.0], [0.0, 60.00001], [0.0, 60.0]]
    fine["features"][1]["geometry"]["coordinates"] = [tiny]
    found, *_ = wards(tmp_path, fine)
    assert len(found.shapes["A"][0][0]) == 5
    assert len(set(found.shapes["B"][0][0])) == 3


# --- which set, and when -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ([("2014-04-01", "2015-03-31")], None),  # from the first day of the year to its last
        ([("2009-04-01", "2014-03-31"), ("2014-04-01", "")], None),
        ([("2014-04-02", "")], "ward boundaries are declared from 2 April 2014 on alone."),
        ([("2009-04-01", "2015-03-30")], "no ward boundaries are declared from 31 March 2015 on."),
        ([("2015-04-01", "")], "no ward boundaries are declared for 2014/15."),
        (
            [("2009-04-01", "2014-05-21"), ("2014-05-22", "")],
            "ward boundaries changed within 2014/15, on 22 May 2014.",
        ),
    ],
)
def test_a_map_is_of_boundaries_in_force_all_year_or_says_why_there_is_none(
    days: Sequence[tuple[str, str]], why: str | None, known: Registry, tmp_path: Path
) -> None:
    sets = {
        f"set-{number}": {**SET, "from": start} | ({"until": end} if end else {})
        for number, (start, end) in enumerate(days)
    }
    found = boundaries.load(declare(tmp_path, sets, squares()))
    pictures, reasons = drawn(known, found, {"A": 10.0})
    assert len(pictures) == (why is None)
    assert reasons == ([] if why is None else [f"There is no map by ward: {why}"])


def test_real_figures_are_never_drawn_on_made_up_boundaries_nor_the_reverse(
    known: Registry, tmp_path: Path
) -> None:
    real, *_ = wards(tmp_path, {**squares(), "synthetic": False})
    assert not real.synthetic and all(one.synthetic for one in known.boundaries)
    assert drawn(known, (real,), {"A": 10.0}) == ([], [])  # the figures are made up
    # Beside boundaries of its own a deployment has the sample's, for the sample's figures.
    assert {one.synthetic for one in wards(tmp_path, {**squares(), "synthetic": False})} == {
        True,
        False,
    }


# --- classes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([40, 10, 30, 20], [(10, 10, 1), (20, 20, 1), (30, 30, 1), (40, 40, 1)]),
        ([5, 5, 5, 9], [(5, 5, 3), (9, 9, 1)]),  # those that tie are not parted
        ([7, 7], [(7, 7, 2)]),
        (range(20), [(0, 3, 4), (4, 7, 4), (8, 11, 4), (12, 15, 4), (16, 19, 4)]),
    ],
)
def test_classes_by_hand(values: Sequence[float], expected: list[tuple[float, float, int]]) -> None:
    assert classes([float(one) for one in values]) == [Class(*one) for one in expected]


@given(st.lists(st.integers(0, 30).map(float), min_size=1))
def test_each_value_lies_in_one_class_and_each_class_is_of_values(values: list[float]) -> None:
    found = classes(values)
    assert len(found) <= 5
    for one in found:
        assert one.least in values and one.most in values
        assert one.size == sum(one.least <= each <= one.most for each in values)
    assert sum(one.size for one in found) == len(values)


# --- the picture ---------------------------------------------------------------------------------


def rows(counts: Mapping[str, float | None], dimension: str = "ward") -> list[dict[str, Any]]:
    """The whole and its parts; None is hidden."""
    return [
        value(CRIME, YEAR, 100.0),
        *(
            hidden(CRIME, YEAR, f"{dimension}/{one}")
            if count is None
            else value(CRIME, YEAR, count, f"{dimension}/{one}")
            for one, count in counts.items()
        ),
    ]


def drawn(
    known: Registry,
    sets: tuple[Boundaries, ...],
    counts: Mapping[str, float | None],
    dimension: str = "ward",
) -> tuple[list[Picture], list[str]]:
    """The maps of an edition with these figures and boundaries, and why there is none."""
    filled = {tables.INDICATOR_VALUE: rows(counts, dimension), tables.SOURCE: sources(known)}
    with edition(known, filled, boundaries=sets) as one:
        return maps.of(Figures(one, [CRIME]), patterns.of(one))


def sources(known: Registry) -> list[dict[str, Any]]:
    return [
        {"source": key, "title": one.title, "supplier": one.supplier, "licence": one.licence}
        for key, one in known.sources.items()
    ]


class Drawn:
    """What stands in the SVG of a map: each area's colour and corners by its name, the legend,
    every text."""

    def __init__(self, svg: str) -> None:
        names = {"s": "http://www.w3.org/2000/svg"}
        root = ElementTree.fromstring(svg)
        self.fills: dict[str, str] = {}
        self.corners: dict[str, list[tuple[float, float]]] = {}
        for path in root.findall(".//s:path[s:title]", names):
            name = (path.findtext("s:title", "", names)).partition(":")[0]
            self.fills[name] = path.attrib["fill"]
            points = re.findall(r"([-\d.]+),([-\d.]+)", path.attrib["d"])
            self.corners[name] = [(float(x), float(y)) for x, y in points]
        self.texts = [one.text or "" for one in root.findall(".//s:text", names)]


def svg(picture: Picture) -> str:
    assert picture.chart is not None
    return drawing.render(picture.chart, picture.title, picture.says, "Made up").svg


def test_four_squares_by_visible_arithmetic(known: Registry, tmp_path: Path) -> None:
    ((picture,), _) = drawn(
        known, wards(tmp_path), {"A": 40.0, "B": 10.0, "D": None, "Atlantis": 20.0}
    )
    found = Drawn(svg(picture))
    assert found.corners["A"] == [(10, 200), (210, 200), (210, 0), (10, 0)]
    assert found.corners["D"] == [(210, 400), (410, 400), (410, 200), (210, 200)]
    # Of 40 and 10 each is a class: the strongest colour and the palest. D has a figure that may
    # not be shown, and C none.
    assert found.fills == {
        "A": drawing.CLASSES[-1],
        "B": drawing.CLASSES[0],
        "C": "url(#dotted)",
        "D": "url(#hatched)",
    }
    assert {
        "10 (1 ward)",
        "40 (1 ward)",
        "[c] not shown, to protect small numbers (1 ward)",
        "[x] no figure (1 ward)",
        f"Boundaries: {CREDIT}",
        "Made up",
    } <= set(found.texts)
    assert {"A", "40", "D", "[c]"} <= set(found.texts)
    # 40 + 10 + 20, Atlantis being counted though no boundary knows it.
    assert picture.says == (
        "A has the most, 40 of 70 crimes in 3 wards. The highest are A (40), Atlantis (20) and "
        "B (10). Fewest: B (10). 1 ward is not shown, to protect small numbers."
    )
    _, off, empty, credit = picture.notes
    assert off == "1 ward of the figures is not on this map: Atlantis."
    assert empty == "1 ward of this map has no figure: C."
    assert credit.startswith("Boundaries of wards in force from 1 April 2009 (wards.geojson, ")
    assert credit.endswith(CREDIT)


def test_no_bound_of_a_class_tells_of_a_hidden_figure(known: Registry, tmp_path: Path) -> None:
    """The map with a hidden area is that of the others alone, but for its hatching."""
    sets = wards(tmp_path)
    some = {"A": 40.0, "B": 10.0, "C": 20.0}
    ((one,), _), ((other,), _) = (
        drawn(known, sets, {**some, **more}) for more in ({"D": None}, {})
    )
    with_it, without = Drawn(svg(one)), Drawn(svg(other))
    assert (with_it.fills.pop("D"), without.fills.pop("D")) == ("url(#hatched)", "url(#dotted)")
    assert with_it.fills == without.fills


def test_lsoas_have_their_figures_in_a_table_and_no_names_on_the_map(
    known: Registry, tmp_path: Path
) -> None:
    sets = wards(tmp_path, level='"lsoa"')
    ((picture,), _) = drawn(known, sets, {"A": 3.0, "B": 3.0, "C": None}, "lsoa_code")
    assert "A" not in Drawn(svg(picture)).texts
    assert [[cell.text or cell.marks for cell in row] for row in picture.table.rows] == [
        ["A", "3", "1"],
        ["B", "3", "1"],
        ["C", ("[c]",), ()],
    ]
    assert picture.says.startswith("A and B have each the most, 3 of 6 crimes in 2 LSOAs.")


def test_a_name_stands_inside_its_ward_whatever_the_shape(known: Registry, tmp_path: Path) -> None:
    """A horseshoe, whose middle lies outside of it, about a small ward that has no room."""
    document = squares()
    shoe = [(0, 0), (0, 9), (9, 9), (9, 0), (6, 0), (6, 6), (3, 6), (3, 0), (0, 0)]
    inner = [(4, 0), (5, 0), (5, 1), (4, 1), (4, 0)]
    shapes = [[[-1 + x / 50, 50 + y / 100] for x, y in each] for each in (shoe, inner)]
    for feature, shape in zip(document["features"], shapes, strict=False):
        feature["geometry"]["coordinates"] = [shape]
    del document["features"][2:]
    ((picture,), _) = drawn(known, wards(tmp_path, document), {"A": 1234567.0, "B": 8234567.0})
    root = ElementTree.fromstring(svg(picture))
    placed = {one.text: one for one in root.iter() if one.tag.endswith("text")}
    assert {"A", "1,234,567"} <= set(placed) and not {"B", "8,234,567"} & set(placed)
    x, y = float(placed["A"].attrib["x"]), float(placed["A"].attrib["y"])
    wide, high = 420, 420 / 9 * 9 / (2 * 0.6423)  # the cosine of 50.045 degrees
    east, north = x / wide * 9, 9 - y / high * 9
    assert 0 < north < 9 and (north > 6 or not 3 < east < 6)


def test_outlines_and_names_have_enough_contrast_light_and_dark() -> None:
    """WCAG 2.1: 3 to 1 of what has to be seen, 4.5 to 1 of text."""
    dark = drawing.COLOURS
    for ink, paper, colours in (
        (drawing.INK, drawing.PAPER, drawing.CLASSES),
        (dark[drawing.INK], dark[drawing.PAPER], [dark[one] for one in drawing.CLASSES]),
    ):
        assert all(contrast(ink, one) >= 3 for one in colours)
        assert all(contrast(ink, one) >= 4.5 for one in colours[:-1])
        assert contrast(paper, colours[-1]) >= 4.5
        lightness = [luminance(one) for one in colours]
        assert lightness in (sorted(lightness), sorted(lightness, reverse=True))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    least, most = sorted((luminance(one), luminance(other)))
    return (most + 0.05) / (least + 0.05)


# --- in the report -------------------------------------------------------------------------------


def written(known: Registry, sets: tuple[Boundaries, ...], folder: Path) -> str:
    filled = {
        tables.INDICATOR_VALUE: rows({"A": 40.0, "B": None, "C": 20.0}),
        tables.SOURCE: sources(known),
    }
    with edition(known, filled, boundaries=sets) as one:
        report.write(replace(one, folder=folder))
    return (folder / "assessment-2014-15.html").read_text(encoding="utf-8")


def test_the_report_has_the_map_its_text_and_its_files(known: Registry, tmp_path: Path) -> None:
    page = written(known, wards(tmp_path), tmp_path)
    when, _, rest = page.partition('<h2 id="patterns">')[2].partition(
        '<section aria-labelledby="residents">'
    )
    assert when and rest
    title, says = (
        re.search(rf'id="map-ward-{CRIME}-{name}">([^<]*)<', when) for name in ("title", "desc")
    )
    assert title and title[1].endswith("2014/15, by ward")
    assert says and says[1].startswith("A has the most, 40 of 60 crimes in 2 wards.")
    assert f'fill="url(#map-ward-{CRIME}-hatched)"' in when
    assert f'<pattern id="map-ward-{CRIME}-hatched"' in when
    assert CREDIT.replace("&", "&amp;") in when
    charts = tmp_path / "charts"
    assert (charts / f"map-ward-{CRIME}.png").read_bytes().startswith(b"\x89PNG")
    assert "Made up" in (charts / f"map-ward-{CRIME}.svg").read_text(encoding="utf-8")


def test_the_report_says_why_there_is_no_map(known: Registry, tmp_path: Path) -> None:
    late = wards(tmp_path, **{"from": "2015-04-01"})
    page = written(known, late, tmp_path)
    assert "There is no map by ward: no ward boundaries are declared for 2014/15." in page
    assert "map-ward" not in page.partition("</style>")[2]


def test_boundaries_of_other_areas_make_no_map(known: Registry, tmp_path: Path) -> None:
    pictures, (why,) = drawn(known, wards(tmp_path), {"Atlantis": 5.0})
    assert not pictures
    assert why.endswith(
        "none of the wards of the figures is among the boundaries in force in 2014/15."
    )


# --- into a release ------------------------------------------------------------------------------


def test_changed_boundaries_make_the_products_anew_and_no_figure(tmp_path: Path) -> None:
    """Real crimes: 40 in A, 30 in B, 25 in D. The 3 in C are so few that the name counts as none,
    and D is hidden with them, lest they follow from the rest."""
    (tmp_path / "raw").mkdir()
    counts = {"A": 40, "B": 30, "C": 3, "D": 25}
    each = [ward for ward, count in counts.items() for _ in range(count)]
    text = extract(*(row(number, Ward=ward) for number, ward in enumerate(each, 1)))
    (tmp_path / "raw" / "rms-crimes-2014-15.csv").write_text(text, encoding="utf-8")
    document = {**squares(), "synthetic": False}
    config = declare(tmp_path, {"squares": SET}, document)
    before = registry.load(config)
    chosen = settings.load(config)
    assert refresh(chosen).facts["published"]
    first = (tmp_path / "warehouse" / "current").resolve()
    found = Drawn((first / "public" / "charts" / MAP).read_text(encoding="utf-8"))
    assert found.fills == {
        "A": drawing.CLASSES[-1],
        "B": drawing.CLASSES[0],
        "C": "url(#dotted)",
        "D": "url(#hatched)",
    }
    assert Refresh(chosen).nothing_new

    names = [one["properties"] for one in document["features"]]
    names[0]["name"], names[1]["name"] = "B", "A"
    declare(tmp_path, {"squares": SET}, document)
    again = Refresh(chosen)
    assert not again.nothing_new
    assert again.registry.digest == before.digest  # on which figures rest
    into = tmp_path / "anew"
    into.mkdir()
    products.write(first, ("public", 0), again.registry, chosen, into=into)
    second = Drawn((into / "charts" / MAP).read_text(encoding="utf-8"))
    assert second.corners["A"] == found.corners["B"] != found.corners["A"]
    with pytest.raises(Refused, match="what is declared is not as it was"):
        rebuilding.rebuild(chosen, first.name)


# --- the sample ----------------------------------------------------------------------------------


def area(ring: Sequence[tuple[float, float]]) -> float:
    return abs(sum(x * below - left * y for (x, y), (left, below) in pairwise(ring))) / 2


def test_the_packaged_boundaries_are_those_of_the_sample_and_wards_consist_of_lsoas(
    known: Registry,
) -> None:
    folder = boundaries.PACKAGED.parent
    for name, text in made_up.layers().items():
        assert (folder / name).read_text(encoding="utf-8") == text
    of_ward, of_lsoa = known.boundaries
    assert of_ward.synthetic and of_lsoa.synthetic and set(of_ward.shapes) == set(WARDS)
    lsoas = json.loads((folder / "lsoas.geojson").read_text(encoding="utf-8"))["features"]
    sizes = Counter[str]()
    for one in lsoas:
        told = one["properties"]
        sizes[told["ward"]] += area(of_lsoa.shapes[told["code"]][0][0])  # type: ignore[assignment]
    for ward, shape in of_ward.shapes.items():
        assert sizes[ward] == pytest.approx(area(shape[0][0]))


def test_a_release_of_the_sample_shows_its_maps_in_both_editions(whole_sample: Path) -> None:
    release = (whole_sample / "warehouse" / "current").resolve()
    for folder in (release / "public", release / "restricted" / "partners"):
        for name in (f"ward-{CRIME}", f"lsoa-{CRIME}", "ward-asb_incidents_count"):
            text = (folder / "charts" / f"map-{name}.svg").read_text(encoding="utf-8")
            assert {"url(#hatched)", "url(#dotted)"} & set(Drawn(text).fills.values()) == set()
            assert "no such place" in text
