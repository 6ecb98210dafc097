"""The parts of an HTML page, and the page itself: one file with everything in it.

Parts are strings of HTML. Every function here escapes the plain text that it gets, and returns HTML.
"""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from captioner.attention_figure import photo_aspect
from captioner.config import Preprocessing
from captioner.preprocessing import photo_pixels

QUALITY = 80  # of the JPEG in a page

_STYLE = Path(__file__).with_name("page.css")
# The page asks nothing of any server, and a caption that looks like a script does not run.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_BAR, _BAR_GAP = 22, 6  # pixels of height
_HISTOGRAM = 160  # pixels of height
_NUMBER = re.compile(r"[-+–]?[\d.,]+ ?%?")
_LABELS = 8  # below a histogram, so that they do not touch on a phone


def page_html(title: str, *parts: str, style: str = "") -> str:
    """A whole HTML document under the heading `title`; `parts` are HTML. `style`: CSS of this page alone."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE.read_text(encoding='utf-8')}{style}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{escape(title)}</h1>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    )


def escape(value: object) -> str:
    """Plain text as HTML, for elements and attributes alike."""
    return html.escape(str(value), quote=True)


def section(title: str, *parts: str) -> str:
    """Parts under a heading."""
    return f"<section>\n<h2>{escape(title)}</h2>\n" + "\n".join(parts) + "\n</section>"


def paragraph(text: str, *, muted: bool = False) -> str:
    return f"<p{' class=muted' if muted else ''}>{escape(text)}</p>"


def notice(text: str, *, kind: str = "note") -> str:
    """A line that must not be missed. `kind`: note, warning or danger."""
    return f'<p class="notice {escape(kind)}">{escape(text)}</p>'


def bullets(texts: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


def facts(values: Mapping[str, object]) -> str:
    """The most important facts: a row of names and values."""
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{_value(value)}</dd></div>" for name, value in values.items())
    return f'<dl class="facts">{items}</dl>'


def table(header: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "") -> str:
    """Rows of plain values. Numbers stand to the right, None is a dash. A wide table scrolls sideways.

    A column is numeric if its first value is a number, or text such as "98.1%".
    """
    lines = [list(row) for row in rows]
    numbers = [bool(lines) and _is_number(lines[0][column]) for column in range(len(header))]
    kind = ['class="number"' if number else "" for number in numbers]
    head = "".join(f'<th scope="col" {k}>{escape(name)}</th>' for name, k in zip(header, kind, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td {k}>{_value(value)}</td>" for value, k in zip(line, kind, strict=True)) + "</tr>\n"
        for line in lines
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<div class="scroll"><table>{title}<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def card(photo: str, title: str, *parts: str, alt: str = "") -> str:
    """A photo (a data URI of `photo_uri`) with a title and parts of HTML below it."""
    return (
        f'<figure class="card"><img src="{escape(photo)}" alt="{escape(alt)}">'
        f"<figcaption><h3>{escape(title)}</h3>" + "".join(parts) + "</figcaption></figure>"
    )


def cards(items: Iterable[str]) -> str:
    """Cards side by side, as many as the screen has room for."""
    return '<div class="cards">' + "\n".join(items) + "</div>"


def fold(summary: str, *parts: str, opened: bool = False) -> str:
    """Parts that a click on the line `summary` shows. It needs no script."""
    return (
        f"<details{' open' if opened else ''}><summary>{escape(summary)}</summary>"
        '<div class="inside">' + "\n".join(parts) + "</div></details>"
    )


def bars(title: str, values: Mapping[str, float]) -> str:
    """A chart of one horizontal bar for each name. `values` >= 0."""
    most = max(values.values(), default=0) or 1
    lines = []
    for index, (name, value) in enumerate(values.items()):
        top, label = index * (_BAR + _BAR_GAP), _value(value)
        lines.append(
            f'<text x="29%" y="{top + 15}" text-anchor="end">{escape(_short(name))}<title>{escape(name)}</title></text>'
            f'<rect x="30%" y="{top}" width="{58 * value / most:.2f}%" height="{_BAR}" rx="3"/>'
            f'<text x="{30.5 + 58 * value / most:.2f}%" y="{top + 15}" class="tick">{label}</text>'
        )
    return _chart(title, lines, height=len(values) * (_BAR + _BAR_GAP))


def histogram(title: str, counts: Mapping[str, float], *, axis: str = "") -> str:
    """A chart of one vertical bar for each bin, in the order given. `counts` >= 0. `axis`: what the bins are."""
    most, number = max(counts.values(), default=0) or 1, max(1, len(counts))
    every = -(-number // _LABELS)
    lines = [f'<line x1="0" x2="100%" y1="{_HISTOGRAM}" y2="{_HISTOGRAM}"/>']
    lines.append(f'<text x="0" y="-4" class="tick">{_value(most)}</text>' if counts else "")
    for index, (name, count) in enumerate(counts.items()):
        left, height = 100 * index / number, _HISTOGRAM * count / most
        lines.append(
            f'<rect x="{left + 8 / number:.2f}%" y="{_HISTOGRAM - height:.1f}" width="{84 / number:.2f}%" '
            f'height="{height:.1f}" rx="2"><title>{escape(name)}: {_value(count)}</title></rect>'
        )
        if index % every == 0:
            middle = left + 50 / number
            lines.append(
                f'<text x="{middle:.2f}%" y="{_HISTOGRAM + 16}" text-anchor="middle" class="tick">{escape(name)}</text>'
            )
    lines.append(f'<text x="50%" y="{_HISTOGRAM + 34}" text-anchor="middle" class="tick">{escape(axis)}</text>')
    return _chart(title, lines, height=_HISTOGRAM + (40 if axis else 20), space=14)


def photo_uri(photo: Path | np.ndarray, *, width: int) -> str:
    """A photo as a data URI of a JPEG, upright, RGB, without its metadata.

    `width` in pixels. A photo more than twice as high as wide gets narrower. A file is read as the model reads it
    (captioner.preprocessing), then stretched back to its own shape. An array is uint8 (H, W, 3).
    Raises PhotoError for a file that cannot be read.
    """
    if isinstance(photo, Path):
        # Half as much again, so that portrait photos stay sharp; 32 and 1024 are the limits of Preprocessing.
        square = Preprocessing(size=min(max(3 * width // 2, 32), 1024), resize="squash")
        pixels = photo_pixels(photo, preprocessing=square)
        aspect = photo_aspect(photo, preprocessing=square)
    else:
        pixels, aspect = photo, photo.shape[1] / photo.shape[0]
    width = min(width, max(1, round(2 * width * aspect)))
    small = Image.fromarray(pixels).resize((width, max(1, round(width / aspect))), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=QUALITY, optimize=True)
    return data_uri(file.getvalue(), kind="image/jpeg")


def data_uri(content: bytes, *, kind: str) -> str:
    """`content` as a data URI. `kind`: its media type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _chart(title: str, lines: Iterable[str], *, height: int, space: int = 0) -> str:
    # No viewBox: bars are shares of the width, and letters keep their size on a phone.
    style = f' style="margin-top:{space}px"' if space else ""
    return (
        f'<figure class="chart"><figcaption>{escape(title)}</figcaption>'
        f'<svg role="img" aria-label="{escape(title)}" width="100%" height="{height}"{style}>'
        + "".join(lines)
        + "</svg></figure>"
    )


def _value(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) >= 100 else f"{value:,.3g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else escape(value)


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(name: str, letters: int = 16) -> str:
    return name if len(name) <= letters else name[: letters - 1] + "…"
