"""What `manage.py evaluate_captioner` writes: per-photo scores, the page; and what it prints of two bundles."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.bundles import CAPTIONS, bundle_make
from tests.training.datasets import dataset_write
from training.data.dataset import dataset_read
from training.pages.evaluation_page import SHOWN, evaluation_page
from training.scoring.bundle_evaluation import Evaluation, bundle_evaluate

# All but the labels is the same with Java and without, and quicker without.
pytestmark = pytest.mark.usefixtures("no_java")


@pytest.fixture(scope="module")
def other_bundle(tmp_path_factory) -> Path:
    """A bundle that says of every colour what is true of another."""
    wrong = dict(zip(CAPTIONS, [*list(CAPTIONS.values())[1:], CAPTIONS["red"]], strict=True))
    return bundle_make(tmp_path_factory.mktemp("bundles") / "wrong", captions=wrong, seed=1)


@pytest.fixture
def colours(tmp_path) -> dict[str, Path]:
    """Photos that the bundles know, with what the good one says of them."""
    captions = dataset_write(tmp_path)
    content = json.loads(captions.read_text())
    names = {image["id"]: image["file_name"].partition("-")[0] for image in content["images"]}
    for annotation in content["annotations"]:
        annotation["caption"] = CAPTIONS[names[annotation["image_id"]]]
    captions.write_text(json.dumps(content))
    return {"images": tmp_path / "images", "captions": captions}


def evaluation_of(bundle: Path, dataset: dict[str, Path]) -> Evaluation:
    return bundle_evaluate(bundle, photos=dataset_read([dataset["captions"]], images=[dataset["images"]]).photos)


def output(dataset: dict[str, Path], **options: object) -> str:
    out = io.StringIO()
    call_command("evaluate_captioner", **dataset, **options, stdout=out)
    return out.getvalue()


def test_scores_file_has_a_row_for_each_photo_in_order_of_id(bundle, colours, tmp_path):
    output(colours, bundle=bundle, scores=tmp_path / "scores.csv")

    rows = list(csv.DictReader((tmp_path / "scores.csv").read_text().splitlines()))
    assert list(rows[0]) == ["id", "file", "caption", "CIDEr", "BLEU-4", "scorer"]
    assert [(row["id"], row["file"]) for row in rows] == [
        *(("1", "red-0.png"), ("2", "blue-0.png"), ("3", "white-0.png"), ("4", "black-0.png")),
    ]
    assert rows[0]["caption"] == CAPTIONS["red"]
    assert (float(rows[0]["CIDEr"]), float(rows[0]["BLEU-4"])) == pytest.approx((1000, 100), abs=0.01)


def test_scores_file_is_written_over(bundle, colours, tmp_path):
    (tmp_path / "scores.csv").write_text("old")

    output(colours, bundle=bundle, scores=tmp_path / "scores.csv")

    assert (tmp_path / "scores.csv").read_text().startswith("id,")


def test_page_shows_photos_captions_and_what_people_wrote(bundle, colours, tmp_path):
    output(colours, bundle=bundle, page=tmp_path / "page.html")

    page = (tmp_path / "page.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 4
    for text in (
        *CAPTIONS.values(),
        "The best 2",
        "The worst 2",
        "red-0.png",
        "Attention peak",
        "Captions that repeat",
    ):
        assert text in page


def test_page_holds_all_it_needs(bundle, dataset):
    page = evaluation_page(evaluation_of(bundle, dataset))

    assert re.findall(r"(?:src|href)=\"(?!data:)|url\(|<script|https?:", page) == []


def test_page_escapes_what_people_wrote(bundle, dataset):
    content = json.loads(dataset["captions"].read_text())
    content["annotations"][0]["caption"] = "a dog <script>alert(1)</script> & co"
    dataset["captions"].write_text(json.dumps(content))

    page = evaluation_page(evaluation_of(bundle, dataset))

    assert "<script" not in page
    assert "&lt;script&gt;" in page.replace("<b", "").replace("</b>", "")


def test_page_shows_no_photo_as_best_and_worst_both(bundle, tmp_path):
    captions = dataset_write(tmp_path, copies=SHOWN // 2 + 2)  # 56 photos

    page = evaluation_page(evaluation_of(bundle, {"captions": captions, "images": tmp_path / "images"}))

    names = re.findall(r'alt="([^"]+)"', page)
    assert len(names) == len(set(names)) == 2 * SHOWN


def test_page_of_a_single_photo_has_no_worst(bundle, dataset):
    evaluation = bundle_evaluate(
        bundle, photos=dataset_read([dataset["captions"]], images=[dataset["images"]]).photos[:1], focus=True
    )

    page = evaluation_page(evaluation)

    assert "The best 1" in page
    assert "The worst" not in page


def test_page_of_a_decoder_without_attention_says_nothing_of_it(dataset, tmp_path):
    plain = bundle_make(tmp_path / "plain", decoder="show_and_tell")
    photos = dataset_read([dataset["captions"]], images=[dataset["images"]]).photos

    assert "Attention" not in evaluation_page(bundle_evaluate(plain, photos=photos, focus=True))


@pytest.mark.parametrize("option", ["scores", "page"])
def test_output_in_a_folder_that_is_not_there_is_refused_before_captioning(colours, tmp_path, option):
    with pytest.raises(CommandError, match=f"--{option} is .*there is no folder .*nowhere: make it first"):
        output(colours, bundle=tmp_path / "no bundle", **{option: tmp_path / "nowhere" / "file"})


@pytest.mark.parametrize("option", ["scores", "page"])
def test_output_that_is_a_folder_is_refused_before_captioning(colours, tmp_path, option):
    with pytest.raises(CommandError, match=f"--{option} is .*which is a folder"):
        output(colours, bundle=tmp_path / "no bundle", **{option: tmp_path})


def test_scores_and_page_in_one_file_are_refused(colours, tmp_path):
    with pytest.raises(CommandError, match="--scores and --page are the same file"):
        output(colours, scores=tmp_path / "x", page=tmp_path / "x")


def test_compare_tells_the_better_bundle(bundle, other_bundle, colours):
    report = json.loads(output(colours, compare=[bundle, other_bundle], json=True))

    assert report.keys() == {"a", "b", "comparison"}
    assert report["a"]["bundle"] == str(bundle)
    assert not report["a"]["comparable"]
    assert report["comparison"]["cider"]["a_better"] > 0.99
    assert report["comparison"]["cider"]["a"] == pytest.approx(report["a"]["scores"]["cider"])


def test_compare_prints_the_interval_and_that_it_does_not_compare(bundle, other_bundle, colours):
    table = output(colours, compare=[bundle, other_bundle])

    for text in ("95% interval", "A better in", "CIDEr", "BLEU-4", f"A is {bundle}", "NOT COMPARABLE"):
        assert text in table


@pytest.mark.parametrize("option", ["bundle", "scores", "page"])
def test_compare_refuses_options_of_one_bundle(bundle, colours, tmp_path, option):
    with pytest.raises(CommandError, match=f"leave --{option} out"):
        output(colours, compare=[bundle, bundle], **{option: tmp_path / "x"})


def test_compare_names_a_bundle_that_is_not_there(bundle, colours, tmp_path):
    with pytest.raises(CommandError, match="nothing"):
        output(colours, compare=[bundle, tmp_path / "nothing"])
