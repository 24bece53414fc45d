"""``ffp --help``: the commands under headings, in the order in which one needs them; and examples for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

_WIDTH = 100
_MORE = [
    ("ffp COMMAND --help", "What a command does, with examples."),
    ("--json", "After a command that tells something: the same for a program."),
]


class Command(NamedTuple):
    """A command, or a group of commands. ``does``: as ``package.module:name`` where it is imported only when it is
    used. ``short``: its line in the help of all."""

    name: str
    does: Callable[..., Any] | typer.Typer | str
    short: str
    examples: tuple[str, ...] = ()
    kind: type[TyperCommand] | None = None


class CommandHeading(NamedTuple):
    title: str
    commands: Sequence[Command]


class Commands(Mapping[str, Any]):
    """The commands by name, each built when somebody asks for it."""

    def __init__(self, headings: Sequence[CommandHeading]) -> None:
        self._known = {command.name: command for heading in headings for command in heading.commands}

    def __getitem__(self, name: str) -> Any:
        return _built(self._known[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def command_line(name: str, headings: Sequence[CommandHeading]) -> typer.Typer:
    """A program with all these commands, whose help lists them so."""

    class Grouped(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.commands = cast(Any, Commands(headings))

        def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 - as click calls it
            return list(self.commands)

        def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
            longest = max(map(len, self.list_commands(ctx)))
            for heading in headings:
                with formatter.section(heading.title):
                    formatter.write_dl([(command.name.ljust(longest), command.short) for command in heading.commands])
            with formatter.section("More"):
                formatter.write_dl(_MORE)

    return typer.Typer(
        name=name,
        cls=Grouped,
        context_settings={"max_content_width": _WIDTH},
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


@cache
def _built(command: Command) -> Any:
    does: Any = resolve_name(command.does) if isinstance(command.does, str) else command.does
    alone, epilog = typer.Typer(rich_markup_mode=None), _epilog(command.examples)
    if isinstance(does, typer.Typer):
        alone.add_typer(does, name=command.name, short_help=command.short, epilog=epilog)
    else:
        alone.command(command.name, cls=command.kind, short_help=command.short, epilog=epilog)(does)
    return typer.main.get_group(alone).commands[command.name]


def _epilog(examples: Sequence[str]) -> str | None:
    if not examples:
        return None
    title = "Examples:" if len(examples) > 1 else "Example:"
    return "\n".join(("\b", title, *(f"  {line}" for line in examples)))  # \b: these lines are not wrapped
