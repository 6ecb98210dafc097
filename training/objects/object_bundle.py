"""A bundle, and the same one with an object head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from captioner.bundle import Bundle, bundle_load, bundle_save
from captioner.config import ObjectsConfig
from captioner.encoders import encoder_config, encoder_config_pinned
from captioner.errors import BundleIncompatible
from captioner.inference import Captioner
from captioner.objects.object_evidence import ObjectEvidence
from captioner.objects.object_head import ObjectHead, object_head_create, stages_frozen
from captioner.objects.object_words import object_words_imagenet
from training.data.dataset import CaptionedPhoto
from training.data.photo_batches import photos_batched
from training.objects.object_fit import reliability, temperature_fit, trust_fit, words_named
from training.run.model_card import validation_metrics
from training.scoring.coco_scorer import scorer_choose


def object_head_add(
    source: Path,
    destination: Path,
    *,
    photos: Sequence[CaptionedPhoto],
    calibration: Sequence[CaptionedPhoto],
    validation: Sequence[CaptionedPhoto],
    shared_tuned: int = 0,
) -> dict[str, Any]:
    """Writes the bundle `source` with the classifier of its encoder to `destination`. Returns what was fitted.

    `photos`: those that the captioner was trained on; they say how far each word is trusted. `calibration`: others, of
    this kind and of other kinds; they fit the temperature. `validation`: those that the
    bundle's scores are of; they are scored again. `shared_tuned`: how many of the encoder's fine-tuned stages
    the classifier takes over besides the frozen ones: each saves time, and costs some certainty. Raises
    CaptionerError, DatasetError.
    """
    bundle = bundle_load(source)
    if bundle.config.encoder.weights.source == "file":
        raise BundleIncompatible(f"The encoder of {source} comes from a file, whose classifier is not known.")
    named = encoder_config_pinned(encoder_config(bundle.config.encoder.name))
    table = object_words_imagenet()
    shared = stages_frozen(named, bundle.encoder) + shared_tuned
    head = object_head_create(named, bundle.encoder, shared=shared, classes=table.classes)
    calibrating = _scores(bundle, head, calibration, "calibrating")
    truth = words_named(table, [photo.captions for photo in calibration])
    temperature = temperature_fit(table, calibrating, truth)
    evidence = ObjectEvidence(table, temperature=temperature)
    seen = evidence.probabilities(_scores(bundle, head, photos, "learning which words to trust"))
    table = trust_fit(table, seen, words_named(table, [photo.captions for photo in photos]))
    evidence = ObjectEvidence(table, temperature=temperature)
    found = {
        "temperature": temperature,
        "photos": len(photos),
        "calibration_photos": len(calibration),
        "reliability": [asdict(each) for each in reliability(evidence.probabilities(calibrating), truth)],
    }
    objects = ObjectsConfig(named.weights, shared, temperature)
    config = replace(bundle.config, objects=objects)
    scores = _validated(replace(bundle, config=config, object_words=table, object_head=head), validation)
    bundle_save(
        destination,
        decoder=bundle.decoder,
        encoder=bundle.encoder if bundle.config.encoder.weights.carried else None,
        config=config,
        vocabulary=bundle.vocabulary,
        metrics={**bundle.metrics, **scores, "objects": found},
        card=f"{bundle.card.rstrip()}\n{_card(found, scores)}",
        object_words=table,
    )
    return found


def _validated(bundle: Bundle, photos: Sequence[CaptionedPhoto]) -> dict[str, Any]:
    captioner = Captioner(bundle)
    captions: dict[int, str] = {}
    for batch, pixels in photos_batched(photos, preprocessing=bundle.config.preprocessing, what="captioning"):
        results = captioner.caption_batch(pixels)
        captions |= {photo.id: result.text for photo, result in zip(batch, results, strict=True)}
    beam = bundle.config.decoding.beam
    return validation_metrics(photos, captions, focus=None, scorer=scorer_choose(), beam=beam)


def _card(found: dict[str, Any], scores: dict[str, Any]) -> str:
    """What a model card says of the object head."""
    validation = scores["validation"]
    rows = [
        f"| {each['probability']:.2f} | {each['named']:.2f} | {each['photos']:,} |" for each in found["reliability"]
    ]
    return "\n".join(
        [
            "",
            "## What its classifier sees",
            "",
            "The encoder grew from a classifier of ImageNet. This bundle uses the classifier's last layers too.",
            "It tells the objects that it sees. Where a sentence would say 'dog' and it sees a cat, the cat takes its",
            "place: a copying mechanism (Yao et al. 2017) at each step of the search. The decoder is fed the nearest",
            "taught word (Hendricks et al. 2016). A sure object without a place is said once, by a constrained beam",
            "search (Anderson et al. 2017). The more often the model was taught a word, the less this counts.",
            "",
            f"- Temperature {found['temperature']}, fitted on {found['calibration_photos']:,} described photos",
            f"- Trust in each word, from {found['photos']:,} photos: how often people name what the classifier sees",
            f"- Validation with it: BLEU-4 {validation['bleu_4']:.1f}, CIDEr {validation['cider']:.1f}",
            "- It knows ImageNet's 1,000 classes: hardly a person, no astronaut, no giraffe. It errs at times.",
            '- Where it is unsure, an object may stand in an odd place: "sitting on a cup".',
            "",
            "| Probability of the likeliest object | People name it | Photos |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


@torch.inference_mode()
def _scores(bundle: Bundle, head: ObjectHead, photos: Sequence[CaptionedPhoto], what: str) -> Tensor:
    """(photos, classes)"""
    return torch.cat(
        [
            head.see(bundle.encoder, torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2))[1]
            for _, pixels in photos_batched(photos, preprocessing=bundle.config.preprocessing, what=what)
        ]
    )
