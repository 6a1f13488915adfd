"""Each customer's time cut where its recurring revenue changes and where a calendar month begins."""

from __future__ import annotations

import numpy as np
import pandas as pd

#: Of a stretch, before costs are added.
COLUMNS = ("place", "from_day", "to_day", "month", "mrr")


def month_number(days: pd.Series) -> pd.Series:
    """Return the calendar months of days as whole numbers in order."""
    days = pd.to_datetime(days)
    return days.dt.year * 12 + days.dt.month - 1


def month_start(numbers: pd.Series) -> pd.Series:
    """Undo :func:`month_number`: return the first days of the months."""
    years, months = numbers // 12, numbers % 12 + 1
    return pd.to_datetime(pd.DataFrame({"year": years, "month": months, "day": 1}))


def cut_stretches(spells: pd.DataFrame, movements: pd.DataFrame) -> pd.DataFrame:
    """Cut the time at risk of each spell.

    Parameters
    ----------
    spells : pandas.DataFrame
        ``account_id``, ``spell``, ``entered_on``, ``followed_to``, ``amount`` (of the last day), numbered 0, 1, ... in
        its index.
    movements : pandas.DataFrame
        Changes of recurring revenue, as ``panel.tables["movements"]``.

    Returns
    -------
    pandas.DataFrame
        In order: ``place`` (index of the spell), ``from_day``, ``to_day`` (first day after it), ``month`` (as
        :func:`month_number`), ``mrr`` in force (NaN where the spell has no amount).
    """
    key = spells[["account_id", "spell"]].assign(place=spells.index)
    moves = movements.merge(key, on=["account_id", "spell"])[["place", "on", "mrr_before", "mrr_after"]]
    entered, ends = spells["entered_on"], spells["followed_to"]
    first, last = month_number(entered), month_number(ends - pd.Timedelta(days=1))
    n_more = (last - first).to_numpy()
    owner = np.repeat(spells.index.to_numpy(), n_more)
    step = np.arange(n_more.sum()) - np.repeat(np.cumsum(n_more) - n_more, n_more) + 1
    turns = month_start(pd.Series(first.to_numpy()[owner] + step)) if len(owner) else pd.Series([], dtype=entered.dtype)
    inside = moves[
        (moves["on"].to_numpy() > entered.to_numpy()[moves["place"]])
        & (moves["on"].to_numpy() < ends.to_numpy()[moves["place"]])
    ]
    cuts = pd.concat(
        [
            pd.DataFrame({"place": spells.index, "from_day": entered.to_numpy()}),
            pd.DataFrame({"place": owner, "from_day": turns.to_numpy()}),
            pd.DataFrame({"place": inside["place"], "from_day": inside["on"]}),
        ]
    )
    cuts = cuts.drop_duplicates().sort_values(["place", "from_day"], ignore_index=True)
    follows = cuts["place"].eq(cuts["place"].shift(-1))
    cuts["to_day"] = cuts["from_day"].shift(-1).where(follows, pd.Series(ends.to_numpy()[cuts["place"]]))
    cuts["month"] = month_number(cuts["from_day"])
    cuts["mrr"] = _in_force(cuts, moves, spells)
    return cuts[list(COLUMNS)]


def _in_force(cuts: pd.DataFrame, moves: pd.DataFrame, spells: pd.DataFrame) -> pd.Series:
    """Return the revenue of each stretch: that of the last change, else what the first change began with."""
    changed = moves.rename(columns={"on": "from_day"}).drop_duplicates(["place", "from_day"], keep="last")
    mrr = cuts.merge(changed[["place", "from_day", "mrr_after"]], on=["place", "from_day"], how="left")["mrr_after"]
    entered = spells["entered_on"].to_numpy()
    later = moves[moves["on"].to_numpy() > entered[moves["place"]]].sort_values(["place", "on"])
    began = spells["amount"].astype(float).copy()
    before = later.drop_duplicates("place").set_index("place")["mrr_before"]
    began.loc[before.index] = before
    opens = ~cuts["place"].duplicated()
    mrr = mrr.where(~(opens & mrr.isna()), pd.Series(began.to_numpy()[cuts["place"]]))
    return mrr.groupby(cuts["place"]).ffill()
