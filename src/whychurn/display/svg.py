"""From a matplotlib figure to an inline SVG that follows the page's light, dark and print colours."""

from __future__ import annotations

import hashlib
import io
import re

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

from whychurn.errors import FindingsError

#: Colours by role. The page gives each a light, a dark and a print value; the fallback is the light one.
INK, SOFT, LINE, PAPER = "#1b1f24", "#57606a", "#d8dee4", "#fefefe"
#: Okabe and Ito's palette, darkened where text on white needs it.
SERIES = ("#0072b2", "#b3470a", "#00664b", "#8a3f74", "#7a5200", "#2f7fb8", "#63666a")
_ROLES = {INK: "ink", SOFT: "soft", LINE: "line", PAPER: "paper"} | {
    colour: f"c{index}" for index, colour in enumerate(SERIES, start=1)
}

FONT = "DejaVu Sans"  # ships with matplotlib, so text is measured alike everywhere

STYLE = {
    "font.family": FONT,
    "svg.fonttype": "none",
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.linewidth": 0.8,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


def inline_svg(fig: Figure, alt: str) -> Markup:
    """Return `fig` as an ``<svg role="img">`` to stand in a page.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        Drawn with :data:`STYLE` and the colours above.
    alt : str
        What the picture says, in words.

    Raises
    ------
    FindingsError
        If `alt` is empty: a picture without words is not published.
    """
    if not alt.strip():
        raise FindingsError("A figure needs a text that says what it shows.")
    # The two widths of one figure say the same in words, yet need ids of their own.
    salt = "f" + hashlib.sha256(f"{alt}{fig.get_size_inches()}".encode()).hexdigest()[:8]
    buffer = io.StringIO()
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": salt}):
        fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _embedded(buffer.getvalue(), alt, salt)


def _embedded(text: str, alt: str, salt: str) -> Markup:
    svg = text[text.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.S)  # its rule would reach the whole page
    # Ids must be unique in a page that holds many figures.
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{salt}-\1"', svg)
    svg = re.sub(r'(xlink:href|href)="#([^"]+)"', rf'\1="#{salt}-\2"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{salt}-\1)", svg)
    for colour, role in _ROLES.items():
        svg = svg.replace(colour, f"var(--{role},{colour})")
    svg = svg.replace(f"'{FONT}'", "system-ui, sans-serif")
    box = re.search(r'viewBox="[^"]+"', svg)
    opening = svg[: svg.index(">") + 1]
    label = str(Markup.escape(alt))
    new = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'{box.group(0) if box else ""} role="img" aria-label="{label}" style="stroke-linejoin:round">'
    )
    svg = svg.replace(opening, new, 1)
    return Markup(re.sub(r">\s+<", "><", svg).replace("\n", " ").strip())
