"""Sensofar's plux, and how it is told from an x3p."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from matcher import Topography
from matcher.read.formats.surface import Y_DIRECTION
from tests.matcher.read.formats.conftest import assert_is_surface, plux, surface
from tests.matcher.read.x3p.conftest import build

Read = Callable[..., Topography]
Refusal = Callable[..., str]


def replaced(old: str, new: str) -> Callable[[str], str]:
    def edit(xml: str) -> str:
        assert old in xml
        return xml.replace(old, new)

    return edit


def test_a_surface(read: Read) -> None:
    topography = read(plux())
    assert_is_surface(topography, surface())
    assert topography.spacing_um == (2.5, 1.25)
    assert topography.instrument == "Sensofar S lynx"
    assert topography.warnings == (Y_DIRECTION,)


@pytest.mark.parametrize(
    ("edit", "instrument"),
    [
        (replaced("<NAME>Device</NAME>", "<NAME>Objective</NAME>"), "Sensofar"),
        (
            replaced("<INFO><SIZE>1</SIZE>", "<Instrument><Model>S neox 090</Model></Instrument><INFO>"),
            "Sensofar S lynx",
        ),
        (replaced("<VALUE>S lynx</VALUE>", "<VALUE> S\n neox\u202e </VALUE>"), "Sensofar S neox"),
    ],
)
def test_instrument(read: Read, edit: Callable[[str], str], instrument: str) -> None:
    assert read(plux(edit_xml=edit)).instrument == instrument


def test_the_model_where_no_device_is_named(read: Read) -> None:
    def edit(xml: str) -> str:
        start, end = xml.index("<INFO>"), xml.index("</INFO>") + len("</INFO>")
        return xml[:start] + "<Instrument><Model>S neox 090</Model></Instrument>" + xml[end:]

    assert read(plux(edit_xml=edit)).instrument == "Sensofar S neox 090"


def test_several_layers_are_mentioned(read: Read) -> None:
    edit = replaced("</xml>", "<LAYER_1><FILENAME_Z>LAYER_1.raw</FILENAME_Z></LAYER_1></xml>")
    topography = read(plux(edit_xml=edit))
    assert_is_surface(topography, surface())
    assert any("several layers" in warning for warning in topography.warnings)


def test_under_a_top_folder_with_dot_slash(read: Read) -> None:
    content = plux(
        edit_xml=replaced("LAYER_0.raw", "./LAYER_0.raw"),
        edit_entries=lambda entries: {f"scan 1/{name}": data for name, data in entries.items()},
    )
    assert_is_surface(read(content), surface())


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (replaced("<IMAGE_SIZE_X>13<", "<IMAGE_SIZE_X>0<"), "dimensions-out-of-range"),
        (replaced("<IMAGE_SIZE_X>13<", "<IMAGE_SIZE_X>9999999999<"), "dimensions-out-of-range"),
        (replaced("<IMAGE_SIZE_Y>9<", "<IMAGE_SIZE_Y>1<"), "profile-not-surface"),
        (replaced("<IMAGE_SIZE_Y>9<", "<IMAGE_SIZE_Y>10<"), "data-size-differs"),
        (replaced("<IMAGE_SIZE_X>13<", "<IMAGE_SIZE_X>-13<"), "index-xml-invalid"),
        (replaced("<IMAGE_SIZE_X>13</IMAGE_SIZE_X>", ""), "index-xml-invalid"),
        (replaced("<FOV_X>1.25<", "<FOV_X>1,25<"), "index-xml-invalid"),
        (replaced("<FOV_X>1.25<", "<FOV_X>nan<"), "index-xml-invalid"),
        (replaced("<FOV_X>1.25<", "<FOV_X>0<"), "spacing-out-of-range"),
        (replaced("<FOV_X>1.25</FOV_X><FOV_Y>2.5<", "<FOV_X>1754</FOV_X><FOV_Y>1319<"), "implausible-units"),
        (replaced("<FILENAME_Z>LAYER_0.raw</FILENAME_Z>", ""), "data-missing"),
        (replaced("LAYER_0.raw", "LAYER_9.raw"), "data-missing"),
        (replaced("LAYER_0.raw", "../LAYER_0.raw"), "unsafe-path"),
        (replaced("LAYER_0.raw", "C:\\LAYER_0.raw"), "unsafe-path"),
        (replaced("<xml>", '<!DOCTYPE b [<!ENTITY a "a">]><xml>'), "dtd-forbidden"),
        (replaced("</xml>", ""), "index-xml-invalid"),
        (replaced("</GENERAL>", "</GENERAL>" + "<a/>" * 3000), "index-xml-invalid"),
        (replaced("<FOV_X>", "<Datum>1</Datum><FOV_X>"), "index-xml-invalid"),
    ],
)
def test_documents_that_cannot_be_trusted(refusal: Refusal, edit: Callable[[str], str], reason: str) -> None:
    assert refusal(plux(edit_xml=edit)) == reason


def test_nothing_measured(refusal: Refusal) -> None:
    assert refusal(plux(np.full((9, 13), np.nan))) == "no-valid-points"


def test_every_cut_is_noticed(refusal: Refusal) -> None:
    whole = plux()
    assert {refusal(whole[:length]) for length in range(0, len(whole), 3)} == {"empty-file", "not-an-x3p", "truncated"}


def test_a_zip_of_neither_kind(refusal: Refusal) -> None:
    assert refusal(plux(edit_entries=lambda entries: {"LAYER_0.raw": entries["LAYER_0.raw"]})) == "main-xml-missing"


def test_an_x3p_that_also_holds_an_index_is_an_x3p(read: Read) -> None:
    topography = read(build(edit_entries=lambda entries: entries | {"index.xml": b"<xml/>"}))
    assert topography.instrument == "Maker M1"
    assert topography.warnings == ()
