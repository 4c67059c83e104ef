"""How texts are compared (DESIGN §4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.core.fold import fold, fold_label, storable


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SRE", "sre"),
        ("  sre\t", "sre"),
        ("STRASSE", "straße"),
        ("ﬁnance", "Finance"),
        ("\uff33\uff32\uff25", "sre"),
        ("cafe\u0301", "CAFÉ"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
    ],
)
def test_case_width_and_composition_make_no_difference(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("sre", "sre."), ("s re", "sre"), ("résumé", "resume")])
def test_punctuation_inner_spaces_and_accents_do(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize("pasted", ["sre,", "sre.", "SRE;", "sre,;.", "sre, ;", " sre ."])
def test_a_label_loses_what_pasted_lists_leave_behind_it(pasted: str) -> None:
    assert fold_label(pasted) == "sre"


@pytest.mark.parametrize("label", [".net", "a,b", "v1.2", "c;d"])
def test_a_label_keeps_its_inner_and_leading_punctuation(label: str) -> None:
    assert fold_label(label) == label


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold_label(fold_label(text)) == fold_label(text)


@given(st.text(st.characters(codec="ascii")))
def test_the_short_way_for_ascii_is_the_same_way(text: str) -> None:
    assert fold(text) == fold(text + "é").removesuffix("é").strip()


def test_what_no_store_accepts_is_replaced() -> None:
    assert storable("a\0b\ud800c") == "a\ufffdb\ufffdc"
    assert storable("Straße 😀") == "Straße 😀"


@given(st.text(st.characters()))
def test_every_text_can_be_stored_in_the_end(text: str) -> None:
    storable(text).encode("utf-8")
