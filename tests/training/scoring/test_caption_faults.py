"""Faults of captions, counted by hand."""

from training.scoring.caption_faults import captions_faults


def test_captions_faults_count_each_fault():
    captions = ["A man in a.", "A dog runs on the grass.", "A dog and a dog and a dog.", "A dog runs on the grass."]

    faults = captions_faults(captions)

    assert faults.distinct == 3 / 4
    assert faults.function_word_endings == 1 / 4
    assert faults.repeated_trigrams == 3 / (2 + 4 + 6 + 4)
    assert faults.repeating_captions == 1 / 4
    assert faults.mean_words == (4 + 6 + 8 + 6) / 4


def test_captions_faults_of_captions_too_short_for_a_trigram():
    faults = captions_faults(["Dog.", ""])

    assert (faults.repeated_trigrams, faults.repeating_captions) == (0, 0)
