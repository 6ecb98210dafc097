"""`manage.py build_vocabulary`: the file that a bundle holds, and what is told of it."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from captioner.vocabulary import SPECIALS, Vocabulary
from tests.training.datasets import SAYINGS, captions_write, dataset_write
from training.data.vocabulary_builder import vocabulary_build


def run(captions: list[Path], output: Path, **options: object) -> str:
    out = io.StringIO()
    call_command("build_vocabulary", captions=captions, output=output, stdout=out, **options)
    return out.getvalue()


def test_vocabulary_command_writes_the_vocabulary_of_the_captions(tmp_path):
    run([dataset_write(tmp_path)], tmp_path / "vocab.json", threshold=2)

    expected = vocabulary_build([text for texts in SAYINGS.values() for text in texts], threshold=2)
    assert Vocabulary.load(tmp_path / "vocab.json") == expected


def test_vocabulary_command_joins_files(tmp_path):
    files = [
        captions_write(
            tmp_path / f"{word}.json",
            {
                "images": [{"id": 1, "file_name": "a.jpg"}],
                "annotations": [{"id": 1, "image_id": 1, "caption": f"dog {word}"}],
            },
        )
        for word in ("runs", "sleeps")
    ]

    run(files, tmp_path / "vocab.json", threshold=1)

    assert Vocabulary.load(tmp_path / "vocab.json").words == (*SPECIALS, "dog", "runs", "sleeps")


def test_vocabulary_command_tells_counts_and_coverage(tmp_path):
    # Of 41 words, those that occur once: grass, sea, in, snow, at, night.
    out = run([dataset_write(tmp_path)], tmp_path / "vocab.json", threshold=2)

    assert "16 words that occur 2 times or more in 8 captions" in out
    assert "Commonest: a 4, the 3, " in out
    assert "Unknown words: 14.63% of all 41 (6)." in out
    assert "Captions without an unknown word: 50.00%." in out


def test_vocabulary_command_table_marks_the_threshold_and_holds_others(tmp_path):
    out = run([dataset_write(tmp_path)], tmp_path / "vocab.json", threshold=3)

    rows = {line.split()[0]: line.split()[1:] for line in out.split("\n\n")[1].splitlines()[1:]}
    assert list(rows)[:4] == ["1", "2", ">", "4"]
    assert rows["1"] == ["22", "0.00%", "100.00%"]
    assert rows["2"] == ["16", "14.63%", "50.00%"]


def test_vocabulary_command_takes_a_threshold_of_its_own_into_the_table(tmp_path):
    captions = captions_write(
        tmp_path / "captions.json",
        {
            "images": [{"id": 1, "file_name": "a.jpg"}],
            "annotations": [{"id": 1, "image_id": 1, "caption": " ".join(["dog"] * 7)}],
        },
    )

    assert any(
        line.split()[:3] == [">", "7", "1"] for line in run([captions], tmp_path / "v", threshold=7).splitlines()
    )


def test_vocabulary_command_warns_where_much_is_unknown(tmp_path, capsys):
    run([dataset_write(tmp_path)], tmp_path / "vocab.json", threshold=4)

    err = capsys.readouterr().err
    assert err.startswith("Warning: 90% of the words of the captions are unknown to the model, which cannot say them ")
    assert "--threshold 2 instead of 4: 15% would be unknown." in err


def test_vocabulary_command_without_a_word_left_says_what_to_do(tmp_path):
    with pytest.raises(
        CommandError,
        match=r"no word reached the threshold\. Lower it: --threshold is 100, and the commonest, 'a', occurs 4 times",
    ):
        run([dataset_write(tmp_path)], tmp_path / "vocab.json", threshold=100)

    assert not (tmp_path / "vocab.json").exists()


@pytest.mark.parametrize("threshold", [0, -2])
def test_vocabulary_command_refuses_a_threshold_below_1(threshold, tmp_path):
    with pytest.raises(CommandError, match=f"--threshold is {threshold}; give 1 or more"):
        run([dataset_write(tmp_path)], tmp_path / "vocab.json", threshold=threshold)


def test_vocabulary_command_does_not_overwrite_captions(tmp_path):
    captions = dataset_write(tmp_path)

    with pytest.raises(CommandError, match="is one of the captions files"):
        run([captions], captions)


def test_vocabulary_command_names_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CommandError, match=r"no captions file .*none\.json"):
        run([tmp_path / "none.json"], tmp_path / "vocab.json")
