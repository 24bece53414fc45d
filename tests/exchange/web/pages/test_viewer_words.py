"""What the workbench says and which keys it obeys: each word in the one list, each key with one meaning."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from exchange.web.pages import layout
from exchange.web.pages.help import guide_keys
from exchange.web.pages.static_files import STATIC
from exchange.web.wording.viewer_words import VIEWER_TEXTS, ViewerKey, viewer_keys, viewer_texts

SCRIPTS = [STATIC / "viewer.js", STATIC / "kept-work.js", *(STATIC / "viewer").glob("*.js")]
TEMPLATES = sorted((Path(layout.__file__).parent / "templates").glob("*.html"))
GIVEN = re.compile(r"\bdata-text-([a-z-]+)=")
TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`""", re.DOTALL)
WORDS = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
"""As a sentence has them; fonts, selectors and the shader's program aside."""
CAPITAL = re.compile(r"[A-Z][a-z]{2,}")
NAMES_OF_KEYS = {"Enter", "Delete", "Escape", "Esc", "Home", "End", "Arrow"}


def literals_of(source: str) -> list[str]:
    """The texts in a script, without what is put into them and without the comments."""
    found = [token for token in TOKEN.findall(source) if not token.startswith("/")]
    return [re.sub(r"\$\{[^}]*\}", " ", token[1:-1]) if token[0] == "`" else token[1:-1] for token in found]


def without_texts(source: str) -> str:
    """A script without the list of English words itself."""
    before, _, rest = source.partition("export const TEXTS = {")
    return before + rest.partition("\n};")[2]


def test_no_script_has_words_of_its_own() -> None:
    """A word with a capital may be the name of one that the page gives, as ``data-text-waiting``."""
    given = {name for path in TEMPLATES for name in GIVEN.findall(path.read_text(encoding="utf-8"))}
    said = []
    for path in sorted(STATIC.rglob("*.js")):
        for text in literals_of(without_texts(path.read_text(encoding="utf-8"))):
            sentence = WORDS.search(text) and "system-ui" not in text and not {*";["} & {*text}
            is_named = text in NAMES_OF_KEYS or text.lower() in given
            if sentence or (CAPITAL.fullmatch(text) and not is_named):
                said.append(f"{path.name}: {text}")
    assert said == []


def test_each_word_is_asked_for_and_given() -> None:
    """A key without a word would stand on the page as it is; a word without a key would be translated for nobody."""
    given = viewer_texts()
    assert VIEWER_TEXTS in SCRIPTS
    source = "".join(
        without_texts(path.read_text(encoding="utf-8")) for path in SCRIPTS if path.parent.name == "viewer"
    )
    source += (STATIC / "viewer.js").read_text(encoding="utf-8")
    asked = set(re.findall(r"""\b(?:text|named|#text)\(\s*"([a-z0-9-]+)\"""", source))
    assert asked - set(given) == set()
    literal = {text for text in literals_of(source) if re.fullmatch("[a-z0-9-]+", text)}
    computed = {f"{tool}-hint" for tool in ("measure", "angle", "profile", "mark")}
    named = {key.command for key in viewer_keys()} | {key.group for key in viewer_keys()}
    bare = set(re.findall(r"\b([a-z]+): \[", source))  # sliders are the names of their bounds
    assert set(given) - asked - literal - computed - named - bare == set()


@pytest.mark.parametrize("key", viewer_keys(), ids=lambda key: key.command)
def test_each_key_has_its_words(key: ViewerKey) -> None:
    assert {key.command, key.group} <= set(viewer_texts())
    assert key.where in {"PAGE", "STAGE"}


def test_each_key_has_one_meaning() -> None:
    pressed = Counter(pressed for key in viewer_keys() for pressed in key.keys)
    assert [name for name, times in pressed.items() if times > 1] == []
    assert len(pressed) > 40
    assert (
        len({key.command for key in viewer_keys()}) == len({key.shown for key in viewer_keys()}) == len(viewer_keys())
    )


@pytest.mark.parametrize(
    ("pressed", "command"),
    [
        ("j", "next-pair"),
        ("k", "previous-pair"),
        ("l", "link"),
        ("[", "turn-left"),
        ("]", "turn-right"),
        ("f", "full"),
        ("?", "keys"),
        ("z", "undo"),
        ("Ctrl+z", "undo"),
        ("Shift+z", "redo"),
        ("s", "panel"),
    ],
)
def test_the_keys_that_hands_know_mean_what_they_did(pressed: str, command: str) -> None:
    assert [key.command for key in viewer_keys() if pressed in key.keys] == [command]


def test_every_row_of_the_table_is_read() -> None:
    """The table is read by a pattern: a row that is written in another way would be missing from it."""
    source = (STATIC / "viewer" / "keys.js").read_text(encoding="utf-8")
    assert len(viewer_keys()) == source.count("{ command: ") > 30


def test_the_guide_lists_the_same_keys() -> None:
    assert [shown for shown, _ in guide_keys()] == [key.shown for key in viewer_keys()]
