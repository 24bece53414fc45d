"""``ffp --help``: the commands under headings, in the order in which one needs them; and examples for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

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
    """A command, or a group of commands. ``short``: its line in the help of all."""

    name: str
    does: Callable[..., Any] | typer.Typer
    short: str
    examples: tuple[str, ...] = ()
    kind: type[TyperCommand] | None = None


class CommandHeading(NamedTuple):
    title: str
    commands: Sequence[Command]


def command_line(name: str, headings: Sequence[CommandHeading]) -> typer.Typer:
    """A program with all these commands, whose help lists them so."""

    class Grouped(TyperGroup):
        def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 - as click calls it
            return [command.name for heading in headings for command in heading.commands]

        def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
            longest = max(map(len, self.list_commands(ctx)))
            for heading in headings:
                with formatter.section(heading.title):
                    formatter.write_dl([(command.name.ljust(longest), command.short) for command in heading.commands])
            with formatter.section("More"):
                formatter.write_dl(_MORE)

    app = typer.Typer(
        name=name,
        cls=Grouped,
        context_settings={"max_content_width": _WIDTH},
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for word, does, short, examples, kind in (command for heading in headings for command in heading.commands):
        if isinstance(does, typer.Typer):
            app.add_typer(does, name=word, short_help=short, epilog=_epilog(examples))
        else:
            app.command(word, cls=kind, short_help=short, epilog=_epilog(examples))(does)
    return app


def _epilog(examples: Sequence[str]) -> str | None:
    if not examples:
        return None
    title = "Examples:" if len(examples) > 1 else "Example:"
    return "\n".join(("\b", title, *(f"  {line}" for line in examples)))  # \b: these lines are not wrapped
