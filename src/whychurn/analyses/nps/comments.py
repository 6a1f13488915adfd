"""Comments by the words the study lists: counted, never interpreted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from whychurn.analyses.answers import BANDS
from whychurn.analyses.nps.scores import BASE, adjusted
from whychurn.analyses.share_differences import Share
from whychurn.models import crosstab
from whychurn.study import CommentTopic, TableStudy

ALL = "all"
NO_TOPICS = "The study lists no words to count comments by ([[comments]] in study.toml)."
NO_COMMENTS = "No answer that counts has a comment."
UNMATCHED = "none of the listed words"


def comment_rows(persons: pd.DataFrame, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield who commented, and of them who mentions each topic, by band.

    Parameters
    ----------
    persons : pandas.DataFrame
        One answer per person: ``comment`` and ``band``.
    study : TableStudy
    """
    said = persons["comment"].fillna("").astype(str).str.strip()
    commented = said != ""
    base = BASE | {"method": "Wilson", "unit": "share"}
    for band in (ALL, *BANDS):
        among = _of(persons, band)
        row = base | {"estimand": "comment_share", "term": "Answers with a comment", "level": band}
        yield row | _share(int((commented & among).sum()), int(among.sum()), study)
    if not commented.any() or not study.comments:
        note = NO_COMMENTS if not commented.any() else NO_TOPICS
        yield base | {"estimand": "topics", "term": "Topics", "note": note}
        return
    told = persons[commented]
    mentions = {topic.name: mentioned(said[commented], topic) for topic in study.comments}
    none = ~pd.concat(mentions, axis=1).any(axis=1)
    for name, holds in (*mentions.items(), (UNMATCHED, none)):
        for band in (ALL, *BANDS):
            among = _of(told, band)
            row = base | {"estimand": "mention_share", "term": name, "level": band}
            definition = "comments that hold one of the words / comments, of the latest answer of each person"
            yield row | _share(int((holds & among).sum()), int(among.sum()), study) | {"definition": definition}
    yield from adjusted(
        [_tie(name, holds, told["band"], study) for name, holds in mentions.items()], "{n} topics by band"
    )


def mentioned(comments: pd.Series, topic: CommentTopic) -> pd.Series:
    """Return which comments hold one of a topic's words: whole words in any case, phrases across any white space."""
    return comments.str.contains(pattern_of(topic.words), regex=True).astype(bool)


def pattern_of(words: Sequence[str]) -> re.Pattern[str]:
    """Return what matches any of the words where it stands as a word of its own."""
    parts = [r"\s+".join(re.escape(part) for part in word.split()) for word in words]
    # Not \b: a listed word may begin or end with a sign, as C++ does.
    return re.compile(rf"(?<!\w)(?:{'|'.join(sorted(parts, key=len, reverse=True))})(?!\w)", re.IGNORECASE)


def _of(frame: pd.DataFrame, band: str) -> pd.Series:
    return pd.Series(True, index=frame.index) if band == ALL else frame["band"] == band


def _share(count: int, total: int, study: TableStudy) -> dict[str, Any]:
    share = Share.of(count, total, study.confidence_level)
    note = "" if total else "There is no such answer."
    return share.row() | {"conf_level": study.confidence_level, "note": note}


def _tie(name: str, holds: pd.Series, bands: pd.Series, study: TableStudy) -> dict[str, Any]:
    frame = pd.DataFrame({"mentions": holds.to_numpy(), "band": bands.to_numpy()})
    row = BASE | {"estimand": "mention_tie", "term": name}
    result = crosstab(frame.astype({"mentions": str}), "mentions", "band", seed=study.seed)
    return row | {
        "method": result.exact_method or "Pearson chi-square",
        "statistic": result.statistic,
        "df": result.df,
        "p_value": result.p_value_exact if result.exact_method else result.p_value,
        "denominator": len(frame),
        "note": result.note,
    }
