"""The page of a data set: photos with their captions, lengths, words, and photos that are missing or broken."""

from __future__ import annotations

from training.data.dataset import CaptionedPhoto, photos_sample
from training.data.dataset_inspection import Inspection
from training.pages.html_parts import (
    bars,
    bullets,
    card,
    cards,
    escape,
    facts,
    fold,
    histogram,
    notice,
    page_html,
    paragraph,
    photo_uri,
    section,
    table,
)

PHOTOS = 24
WIDTH = 400  # pixels of a photo
BAD_SHOWN = 200
COMMONEST = 25  # words
_LONGEST = 30  # words of a caption; the histogram's last bar holds all that are longer


def dataset_page(inspection: Inspection, *, photos: int = PHOTOS) -> str:
    """A self-contained HTML page with a sample of `photos` photos. Raises PhotoError for one that broke just now."""
    dataset = inspection.dataset
    parts = [
        facts(
            {
                "Photos": len(dataset.photos),
                "Captions": inspection.captions,
                "Words per caption": inspection.mean_length,
                "Distinct words": len(inspection.words),
                "Bad photos": len(dataset.bad),
            }
        ),
        _verdict(inspection),
        *(notice(concern.message, kind="danger" if concern.refused else "warning") for concern in inspection.concerns),
        paragraph(" ".join(f"{what}: {tally}" for what, tally in inspection.tallies.items()), muted=True),
        section(
            "Files",
            table(
                ("Captions", "Folder of photos", "Photos named", "Captions with words"),
                [(file.file, file.folder, file.photos, file.captions) for file in inspection.files],
            ),
        ),
    ]
    if dataset.bad:
        parts.append(_bad(inspection))
    if dataset.photos:
        parts += [_lengths(inspection), _words(inspection), _sample(dataset.photos, photos)]
    return page_html("Data set " + ", ".join(file.file.name for file in inspection.files), *parts)


def _verdict(inspection: Inspection) -> str:
    counts = inspection.bad_counts
    if not counts:
        return notice("Every photo is there, can be read, and has a caption.")
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
    if not inspection.dataset.photos:
        return notice(f"No photo can be trained on: {reasons}. Check the folder of photos.", kind="danger")
    return notice(
        f"Bad photos: {reasons}. train_captioner refuses them until they are repaired, taken out of the file, or left "
        "out with --skip-bad. The figures below leave them out.",
        kind="warning",
    )


def _bad(inspection: Inspection) -> str:
    bad = inspection.dataset.bad
    shown = table(("Photo", "Reason", "What is wrong"), [(one.file, one.reason, one.detail) for one in bad[:BAD_SHOWN]])
    more = len(bad) - BAD_SHOWN
    rest = [paragraph(f"And {more:,} more.", muted=True)] if more > 0 else []
    return section("Missing or broken", fold(f"{len(bad):,} photos", shown, *rest, opened=len(bad) <= 20))


def _lengths(inspection: Inspection) -> str:
    lengths = inspection.lengths
    most = min(max(lengths), _LONGEST)
    counts: dict[str, float] = {str(length): lengths[length] for length in range(1, most + 1)}
    if longer := sum(count for length, count in lengths.items() if length > most):
        counts[f"{most + 1}+"] = longer
    per_photo = {str(number): inspection.captions_per_photo[number] for number in sorted(inspection.captions_per_photo)}
    return section(
        "Captions",
        histogram("How many captions are how long", counts, axis="words"),
        table(
            ("", ""),
            [
                ("Mean length, in words", f"{inspection.mean_length:.1f}"),
                ("Longest, in words", str(max(lengths))),
                ("More than 20 words", _share(inspection, sum(n for length, n in lengths.items() if length > 20))),
                ("Say the same as another, word for word", _share(inspection, inspection.repeated)),
            ],
        ),
        bars("How many photos have how many captions", per_photo) if len(per_photo) <= 20 else "",
    )


def _share(inspection: Inspection, captions: int) -> str:
    return f"{captions:,} ({captions / inspection.captions:.1%})"


def _words(inspection: Inspection) -> str:
    rows = inspection.thresholds
    return section(
        "Vocabulary by threshold",
        paragraph(
            "Words that occur less often than the threshold become <unk>. Unknown words are counted each time that "
            "they occur; a caption is known whole when it holds none.",
            muted=True,
        ),
        bars(
            "Captions known whole, by threshold (%)",
            {str(r.threshold): _hundred(r.coverage.captions_whole) for r in rows},
        ),
        table(
            ("Threshold", "Words", "Unknown words", "Captions known whole"),
            [
                (row.threshold, row.words, f"{row.coverage.unknown_rate:.2%}", f"{row.coverage.captions_whole:.1%}")
                for row in rows
            ],
        ),
        bars(f"The {COMMONEST} commonest words", dict(inspection.words.most_common(COMMONEST))),
    )


def _hundred(share: float) -> float:
    return round(100 * share, 1)


def _sample(photos: list[CaptionedPhoto], limit: int) -> str:
    chosen = photos_sample(photos, limit=limit)
    shown = cards(
        card(
            photo_uri(photo.path, width=WIDTH),
            photo.path.name,
            f'<p class="muted">image {escape(photo.id)}</p>',
            bullets(photo.captions),
            alt=photo.captions[0],
        )
        for photo in chosen
    )
    legend = "The same photos every time: the first by the SHA-256 of their file names."
    return section(f"{len(chosen)} of the photos", paragraph(legend, muted=True), shown) if chosen else ""
