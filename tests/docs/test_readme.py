"""Whatever the documents name exists: commands, options, make targets, settings, links, examples."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from exchange.cli.main import app
from exchange.cli.operate.settings_page import GROUPS, group_of, settings_page
from exchange.config import Settings
from schemas import parse_submission
from schemas.vocabulary import KOSOVO_FOOTNOTE
from tests.docs.conftest import is_removed

WHERE_INIT_SETS = {"jurisdiction", "node_id", "url"}


@pytest.mark.slow
def test_commands_and_options_exist(document: Any) -> None:
    for line in document.code():
        for arguments in _invocations(line):
            _check_invocation(arguments, f"{document.path}: {line}")


def test_the_check_of_commands_finds_what_does_not_exist() -> None:
    for wrong in ("ffp serv", "ffp peer fetch", "ffp serve --port 1", "TOKEN=$(ffp user add x --rol examiner)"):
        with pytest.raises(AssertionError):
            _check_invocation(next(_invocations(wrong)), wrong)


def test_every_command_is_on_the_page_that_the_index_names_for_it(index: Any, root: Path) -> None:
    rows = re.findall(r"^\| (`ffp .+?) \| (.+) \|$", index.text, re.MULTILINE)
    commands = _commands(typer.main.get_command(app))
    assert "peer add" in commands
    for name in commands:
        links = [link for told, links in rows if f"`ffp {name.split()[0]}`" in told for link in _links(links)]
        texts = [(root / "docs" / link).read_text(encoding="utf-8") for link in links]
        assert any(f"ffp {name}" in text for text in texts), f"ffp {name}: {links}"


def test_every_page_is_in_the_index_once(index: Any, root: Path) -> None:
    by_reader = index.text.split("## Which page explains a command")[0]
    listed = [link for line in by_reader.splitlines() if line.startswith("- ") for link in _links(line)[:1]]
    pages = {path.name for path in root.glob("docs/*.md")} - {"README.md", "glossary.md"}
    assert sorted(link for link in listed if link in pages) == sorted(pages)


def test_a_visitor_reads_the_readme_in_one_sitting(readme: Any) -> None:
    assert len(readme.text.encode()) <= 8000


def test_the_readme_says_whom_it_serves_and_how_far_it_is(readme: Any) -> None:
    assert "Council Decision (CFSP) 2018/1788" in readme.text
    assert "A pilot." in readme.text


def test_each_word_is_defined_once_and_is_found_by_the_alphabet(root: Path) -> None:
    text = (root / "docs/glossary.md").read_text(encoding="utf-8")
    words = re.findall(r"^\| \*\*(.+?)\*\* \| .+\. \|$", text, re.MULTILINE)
    assert len(words) == text.count("\n| **")
    assert words == sorted(set(words))


def test_make_targets_and_variables_exist(document: Any, root: Path) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for line in document.code():
        for target, rest in re.findall(r"\bmake ([a-z-]+)((?: [A-Z_]+=\S+)*)", line):
            assert target in targets, line
            for variable in re.findall(r"([A-Z_]+)=", rest):
                assert f"$({variable})" in makefile, line


def test_two_commands_are_named_first(readme: Any) -> None:
    assert readme.blocks("sh")[0] == "make demo\nmake test\n"


def test_settings_exist(file_with_names: Any) -> None:
    known = {f"FFP_NODE_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"FFP_NODE_[A-Z_]*[A-Z]", file_with_names.text)) <= known


def test_settings_table_is_complete_and_true(settings_document: Any) -> None:
    rows = re.findall(r"^\| `FFP_NODE_(\w+)` \| (.+?) \| (.*?) \| (.+?) \|$", settings_document.text, re.MULTILINE)
    told = {name.lower(): re.sub(r" \(\d+ [MGT]iB\)$", "", default) for name, default, *_ in rows}
    assert len(rows) == len(told)
    assert told == {name: _default(name) for name in Settings.model_fields}


def test_the_page_of_settings_is_the_one_that_the_code_makes(settings_document: Any) -> None:
    assert settings_document.text == settings_page(), "make contract"


def test_every_group_of_settings_has_some() -> None:
    assert {group_of(name) for name in Settings.model_fields} == set(GROUPS)
    with pytest.raises(LookupError):
        group_of("a_setting_that_is_not")


def test_nginx_lets_a_whole_submission_through(root: Path) -> None:
    site = (root / "deploy/nginx.conf").read_text(encoding="utf-8")
    allowed = re.search(r"client_max_body_size (\d+)m;", site)
    assert allowed
    wanted = Settings.model_fields["max_submission_bytes"].default
    assert wanted < int(allowed[1]) * 2**20 <= wanted + 2**20
    assert "proxy_pass http://127.0.0.1:8440;" in site
    assert Settings.model_fields["port"].default == 8440


def test_links_lead_somewhere(document: Any, root: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        aimed = (root / document.path).parent / path if path else root / document.path
        assert aimed.exists() or is_removed(aimed), f"{document.path}: {target}"
        if anchor and aimed.exists():
            headings = re.findall(r"^#+ (.+)$", aimed.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_python_files_that_are_named_exist(document: Any, root: Path) -> None:
    """By their path from the project's folder, or by a name that some file has."""
    folders = ("exchange", "matcher", "schemas", "tests", "deploy")
    names = {path.name for folder in folders for path in (root / folder).rglob("*.py")}
    for named in re.findall(r"`([\w./-]+\.py)`", document.text):
        there = (root / named).is_file() or named in names or is_removed(root / named)
        assert there, f"{document.path}: {named}"


def test_metadata_of_the_first_submission_follows_the_contract(first_submission: Any) -> None:
    shown = [block for block in first_submission.blocks("sh") if "<<'JSON'" in block]
    assert len(shown) == 1
    parse_submission(shown[0].split("<<'JSON'\n")[1].split("JSON\n")[0].encode())


def test_metadata_elsewhere_follows_the_contract(submission_format: Any) -> None:
    examples = submission_format.blocks("json")
    assert examples
    for example in examples:
        parse_submission(example.encode())


def test_kosovo_has_its_asterisk_and_the_document_its_footnote(document: Any) -> None:
    _check_kosovo(document.text, document.path)


def test_pictures_have_the_asterisk_and_the_footnote(root: Path) -> None:
    pictures = list(root.glob("docs/pictures/*.svg"))
    assert pictures
    for picture in pictures:
        _check_kosovo(picture.read_text(encoding="utf-8"), picture.name)


def test_pictures_are_small(root: Path) -> None:
    assert all(path.stat().st_size < 300_000 for path in root.glob("docs/pictures/*"))


def test_no_path_of_a_developers_machine(file_with_names: Any) -> None:
    assert not re.search(r'(?<![\w.])/(?:tmp|root|home|work|Users)\b(?![":])', file_with_names.text)


def _links(text: str) -> list[str]:
    """The files of the project that a text links to, without places in them."""
    return [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text) if ":" not in target]


def _invocations(line: str) -> Iterator[list[str]]:
    """The arguments of each ``ffp`` that a line of shell calls, by name or by path."""
    for call in re.findall(r"""(?:^|[\s(/])ffp ([a-z](?:'[^']*'|"[^"]*"|[^|&;()<>'"])*)""", line):
        yield shlex.split(call)


def _check_invocation(arguments: list[str], where: str) -> None:
    command: Any = typer.main.get_command(app)
    rest = list(arguments)
    while hasattr(command, "commands") and rest:
        command = command.commands.get(rest.pop(0))
        assert command is not None, where
    options = {"--help"}.union(*((*parameter.opts, *parameter.secondary_opts) for parameter in command.params))
    for argument in rest:
        if argument.startswith("-"):
            assert argument.partition("=")[0] in options, where


def _commands(command: Any, prefix: str = "") -> list[str]:
    if not hasattr(command, "commands"):
        return [prefix.strip()]
    return [found for name, child in command.commands.items() for found in _commands(child, f"{prefix} {name}")]


def _default(name: str) -> str:
    if name == "home":
        return "/var/lib/ffp"
    if name == "workers":
        assert Settings.model_fields[name].default == max(1, (os.cpu_count() or 2) - 1)
        return "cores - 1"
    if name in WHERE_INIT_SETS:
        assert Settings.model_fields[name].is_required()
        return "set by `ffp init`"
    default = Settings.model_fields[name].default
    return str(default).lower() if isinstance(default, bool) else str(default or "none")


def _check_kosovo(text: str, where: str) -> None:
    plain = " ".join(text.replace(r"\*", "*").split())
    without_footnote = plain.replace(KOSOVO_FOOTNOTE, "")
    named = re.findall(r"Kosovo.?", without_footnote)
    assert all(name == "Kosovo*" for name in named), where
    if named:
        assert KOSOVO_FOOTNOTE in plain, where
