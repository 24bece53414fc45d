"""The commands of the region's coordination, in the order in which one needs them."""

from __future__ import annotations

from typing import Final

from exchange.cli.command_groups import Command, CommandHeading

_HERE: Final = "exchange.coordination"

COMMANDS: Final = CommandHeading(
    "Coordination of the region",
    [
        Command(
            "training",
            f"{_HERE}.training.training_command:training",
            "Run six nodes to practise with, and their pages.",
            ("ffp training practice/", "ffp training practice/ --with MD --with UA"),
        ),
        Command(
            "exercise",
            f"{_HERE}.exercises.exercise_commands:app",
            "Exercises and proficiency sets on made-up exhibits.",
            (
                "ffp exercise draw --out proficiency/",
                "ffp exercise put proficiency/set.zip --into practice/exercises",
                "ffp exercise open proficiency/answers.json --into practice/exercises",
            ),
        ),
        Command(
            "report",
            f"{_HERE}.half_year_report.report_commands:report",
            "The report of a half-year or a year.",
            ("ffp report --half 2026H2", "ffp report --period 2026 --form file --out report.json"),
        ),
        Command(
            "incidents",
            f"{_HERE}.incidents.incident_commands:app",
            "Counts of incidents and persons: import, approve.",
            (
                "ffp incidents template incidents.csv",
                "ffp incidents import incidents.csv --half 2026H2 --as head-1 --dry-run",
                "ffp incidents show --half 2026H2",
            ),
        ),
        Command(
            "law",
            f"{_HERE}.law.law_commands:app",
            "The law of each side: read it, enter it, publish it.",
            (
                "ffp law list",
                "ffp law add article.json --as head-1",
                "ffp law publish --as head-1",
                "ffp law report --pair RS-MK --out pair.pdf",
            ),
        ),
        Command(
            "maturity",
            f"{_HERE}.maturity.maturity_commands:maturity",
            "How far this focal point has come, and its next step.",
            ("ffp maturity", "ffp maturity --keep --as head-1", "ffp maturity --path"),
        ),
        Command(
            "assess",
            f"{_HERE}.maturity.assessment_commands:app",
            "Assess a focal point; needs no node.",
            (
                "ffp assess new moldova/ --jurisdiction MD --half 2026H2",
                "ffp assess check moldova/",
                "ffp assess report moldova/ --out assessment.pdf",
                "ffp assess midterm moldova/ ukraine/ --out midterm.pdf",
            ),
        ),
        Command(
            "onboard",
            f"{_HERE}.maturity.maturity_commands:onboard",
            "Lead a jurisdiction in, step by step.",
            (
                "ffp onboard MD",
                "ffp onboard MD --done legal_basis --evidence agreement.pdf --as head-1",
                "ffp onboard MD --file md.json --done legal_basis",
            ),
        ),
        Command(
            "action",
            f"{_HERE}.meetings.action_commands:app",
            "What coordination meetings agreed on.",
            (
                'ffp action add "Name the articles." --owner MK --role head --due 2027-03-31 --met-on 2026-11-24 '
                "--as head-1",
                "ffp action list",
            ),
        ),
        Command(
            "meeting",
            f"{_HERE}.meetings.meeting_commands:app",
            "Meetings and trainings held, and how many attended.",
            (
                'ffp meeting add local --on 2026-11-10 --title "Local meeting" --attended police:head:women=1 '
                "--as head-1",
                "ffp meeting list --half 2026H2",
                "ffp meeting pack --half 2026H2 --out pack/ --language mk",
            ),
        ),
        Command(
            "region",
            f"{_HERE}.desk.region_commands:app",
            "One report of the region, from its nodes' files.",
            (
                'ffp region key --name "Regional coordination" --out keys/',
                "ffp region combine *.json --half 2026H2 --trust-root root/ --key keys/region.key --out report/",
                "ffp region pack *.json --half 2026H2 --trust-root root/ --key keys/region.key --out pack/",
                "ffp region desk --files inbox/ --trust-root root/ --key keys/region.key",
                "ffp region publish site/ report/ *.json --trust-root root/",
            ),
        ),
    ],
)
