"""The page of an evaluation: the scores, and the photos with the best and the worst captions."""

from __future__ import annotations

import re
from collections import Counter

from training.data.dataset import CaptionedPhoto
from training.pages.html_parts import (
    card,
    cards,
    escape,
    facts,
    histogram,
    notice,
    page_html,
    paragraph,
    photo_uri,
    section,
)
from training.pages.html_parts import table as table_html
from training.scoring.bundle_evaluation import Evaluation
from training.scoring.caption_faults import FUNCTION_WORDS
from training.scoring.evaluation_report import Row, fault_rows, focus_rows, score_rows

SHOWN = 24  # best photos, and as many worst
WIDTH = 400  # pixels of a photo
_BIN, _LAST = 20, 300  # CIDEr x 100 of a bar of the histogram, and where the last begins
_WORD = re.compile(r"\w+")


def evaluation_page(evaluation: Evaluation) -> str:
    """A self-contained HTML page. Raises PhotoError where a photo can no longer be read."""
    scorer = evaluation.scorer
    parts = [
        "" if scorer.comparable else notice(f"Scores {scorer.name}. Install Java and score again.", kind="danger"),
        facts(
            {
                "CIDEr": f"{evaluation.scores.cider:.1f}",
                "BLEU-4": f"{evaluation.scores.bleu_4:.1f}",
                "Photos": len(evaluation.photos),
                "Beam": evaluation.beam,
                "Model": evaluation.version[:12],
            }
        ),
        section("Scores", _table(score_rows(evaluation)), paragraph(f"x 100, {scorer.name}.", muted=True)),
        section("Faults", _table(fault_rows(evaluation))),
    ]
    if rows := focus_rows(evaluation):
        parts.append(section("Attention", _table(rows)))
    parts.append(section("Photos by CIDEr", histogram("How many photos scored what", _bins(evaluation), axis="CIDEr")))
    best, worst = _extremes(evaluation)
    legend = "Words that people and the caption share stand out."
    parts.append(section(f"The best {len(best)}", paragraph(legend, muted=True), _cards(best, evaluation)))
    if worst:
        parts.append(section(f"The worst {len(worst)}", paragraph(legend, muted=True), _cards(worst, evaluation)))
    return page_html(f"How well {evaluation.bundle.resolve().name} captions photos", *parts)


def _table(rows: list[Row]) -> str:
    return table_html(("", "", ""), rows)


def _bins(evaluation: Evaluation) -> dict[str, float]:
    """Photos by their CIDEr x 100: from "0" in steps, the last bin without end."""
    found = Counter(min(int(score.cider) // _BIN * _BIN, _LAST) for score in evaluation.scores.photos.values())
    return {f"{low}+" if low == _LAST else str(low): found[low] for low in range(0, _LAST + _BIN, _BIN)}


def _extremes(evaluation: Evaluation) -> tuple[list[CaptionedPhoto], list[CaptionedPhoto]]:
    """The best photos, best first, and the worst, worst first; none is in both."""
    scores = evaluation.scores.photos
    ordered = sorted(evaluation.photos, key=lambda photo: (-scores[photo.id].cider, photo.id))
    half = min(SHOWN, (len(ordered) + 1) // 2)
    return ordered[:half], ordered[half:][::-1][:SHOWN]


def _cards(photos: list[CaptionedPhoto], evaluation: Evaluation) -> str:
    return cards(_card(photo, evaluation) for photo in photos)


def _card(photo: CaptionedPhoto, evaluation: Evaluation) -> str:
    caption, score = evaluation.captions[photo.id], evaluation.scores.photos[photo.id]
    shared = set(_WORD.findall(caption.lower())) - FUNCTION_WORDS
    references = "".join(f"<li>{_marked(text, shared)}</li>" for text in photo.captions)
    return card(
        photo_uri(photo.path, width=WIDTH),
        caption,
        f'<p class="muted">CIDEr {score.cider:.0f} · BLEU-4 {score.bleu_4:.0f} · {escape(photo.path.name)}</p>',
        f"<ul>{references}</ul>",
        alt=photo.path.name,
    )


def _marked(text: str, words: set[str]) -> str:
    """`text` as HTML in which `words` stand out."""
    parts = re.split(r"(\w+)", text)
    return "".join(
        f'<b style="color: var(--ink)">{escape(part)}</b>' if part.lower() in words else escape(part) for part in parts
    )
