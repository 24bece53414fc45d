"""Where the texts of the region's coordination stand that are to be translated."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from exchange.coordination.half_year.figure_definitions import definition_texts
from exchange.coordination.incidents.platform_words import annex_texts
from exchange.coordination.maturity.practice_definitions import item_texts
from exchange.coordination.maturity.questionnaire import outside_texts, questionnaire_texts
from exchange.coordination.region.indicators import goal_texts
from exchange.web.wording.messages import MessagesPart

MESSAGES: Final = MessagesPart(
    Path(__file__).parent,
    {
        "half_year/figure_definitions.py": definition_texts,
        "incidents/platform_words.py": annex_texts,
        "maturity/practice_definitions.py": item_texts,
        "maturity/questions.toml": questionnaire_texts,
        "maturity/criteria.json": outside_texts,
        "region/indicators.json": goal_texts,
    },
)
