"""A change of a file of TOML changes that value alone; what cannot be followed is told."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.flows.assessment.edited_toml import NotFollowed, plain_toml, toml_text, with_list, with_values

TEXT = '''# of the whole
format = "f"   # stays
half = '2026H2'

# ===== 1 =====
[answers.one]
# Look at: [the register], "twice"
answer = "no"  # by telephone
evidence = """
Three cases,
[answers.two] is no table here"""
on = ""

[answers.two] # stays too
answer = 9

[[recommendation]]
text = "mine"
# of the second
[[recommendation]]
question = "one"
'''


def test_one_value_is_changed_and_all_else_stays() -> None:
    changed = with_values(TEXT, ("answers", "one"), {"answer": "yes", "evidence": "a\n[b]"})
    assert changed == TEXT.replace('answer = "no"', 'answer = "yes"').replace(
        '"""\nThree cases,\n[answers.two] is no table here"""', '"""\na\n[b]"""'
    )
    assert with_values(TEXT, (), {"half": "2027H1"}) == TEXT.replace("'2026H2'", '"2027H1"')


def test_what_is_not_there_yet_is_put_where_it_belongs() -> None:
    changed = with_values(TEXT, ("answers", "two"), {"evidence": "seen"})
    assert 'answer = 9\nevidence = "seen"\n\n[[rec' in changed
    assert with_values(TEXT, (), {"remarks": "r"}).index('remarks = "r"') < TEXT.index("# ===== 1")
    new = with_values(TEXT, ("answers", "three"), {"answer": 1.5, "on": ""})
    assert new.startswith(TEXT)
    assert tomllib.loads(new)["answers"]["three"] == {"answer": 1.5, "on": ""}
    assert with_values("", ("answers", "a"), {"answer": True}) == "\n[answers.a]\nanswer = true\n"


def test_a_list_of_tables_is_put_in_place_of_the_former() -> None:
    changed = with_list(TEXT, "recommendation", [{"text": "new", "priority": 1}])
    assert tomllib.loads(changed)["recommendation"] == [{"text": "new", "priority": 1}]
    assert changed.startswith(TEXT[: TEXT.index("[[rec")])
    assert "# of the second" in changed
    assert "recommendation" not in tomllib.loads(with_list(TEXT, "recommendation", []))


@pytest.mark.parametrize(
    "text",
    [
        'answers = { one = { answer = "no" } }\n',
        'answers.one.answer = "no"\n',
        "[answers]\none.answer = 1\n",
    ],
)
def test_what_is_written_another_way_is_told_and_never_half_changed(text: str) -> None:
    with pytest.raises(NotFollowed):
        with_values(text, ("answers", "one"), {"answer": "yes"})
    plain = plain_toml(tomllib.loads(text))
    changed = tomllib.loads(with_values(plain, ("answers", "one"), {"answer": "yes"}))
    assert changed == {"answers": {"one": {"answer": "yes"}}}


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t\"'\\#[]={}"), max_size=60).map(
    str.strip
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["answer", "evidence", "on"]), WORDS, min_size=1), WORDS)
def test_any_words_come_back_as_they_were(values: dict[str, str], beside: str) -> None:
    begun = f"[answers.one]\nanswer = {toml_text(beside)} # beside\n[answers.two]\nanswer = {toml_text(beside)}\n"
    changed = tomllib.loads(with_values(begun, ("answers", "one"), values))
    assert changed["answers"]["one"] == {"answer": beside} | values
    assert changed["answers"]["two"] == {"answer": beside}
