"""Makes `imagenet_words.json`: the everyday word of each of ImageNet's 1,000 classes.

    python -m captioner.objects.table_builder --wordnet /usr/share/wordnet

A person wrote `everyday_words.tsv`: the words that people use, and for each the WordNet synsets that it stands for (its
anchors). A class gets the word of its nearest anchor among its hypernyms, breadth first: "tabby" < "domestic cat" gets
"cat". A class without an anchor keeps WordNet's own first name. It is told beside captions and never said in one.

An anchor is a class's own name, or a lemma of WordNet with the number of its sense (`tiger.2`; without a number: 1).

WordNet 3.0 (Princeton University) may be used for any purpose if its notice is kept: NOTICE names it. Debian has its
files in the package `wordnet-base`.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WORDS, NOUNS, TABLE = HERE / "everyday_words.tsv", HERE / "nouns.tsv", HERE / "imagenet_words.json"
CLASSES = 1000
RENAMED = {"plane": "woodworking plane", "jean": "jeans", "sunglass": "sunglasses"}  # else another word of the table
NO_ARTICLE = frozenset({  # words from WordNet alone that take none
    "binoculars", "brass", "chain mail", "face powder", "hair spray", "hay", "jeans", "parallel bars", "sunglasses",
    "sunscreen", "swimming trunks", "thatch", "velvet", "wool",
})  # fmt: skip
VOWEL_SOUNDS = ("a", "e", "i", "o", "u", "hour")
CONSONANT_SOUNDS = ("uni", "eu", "one", "uku")  # "a unicycle"


@dataclass(frozen=True)
class WordNet:
    """`hypernyms`: synset -> the synsets above it. `senses`: lemma in lower case -> its synsets, commonest first.

    A synset is named by the eight digits of its offset in `data.noun`, as ImageNet's class ids are after their "n".
    """

    hypernyms: Mapping[str, tuple[str, ...]]
    senses: Mapping[str, tuple[str, ...]]


def wordnet_read(folder: Path) -> WordNet:
    """Reads `data.noun` and `index.noun` (format: wndb(5)). Raises OSError where they are not there."""
    hypernyms, senses = {}, {}
    for line in _lines(folder / "data.noun"):
        fields = line.split(" | ")[0].split()
        place = 4 + 2 * int(fields[3], 16)  # behind the lemmas
        pointers = [fields[start : start + 4] for start in range(place + 1, place + 1 + 4 * int(fields[place]), 4)]
        hypernyms[fields[0]] = tuple(
            synset for kind, synset, part, _ in pointers if kind in {"@", "@i"} and part == "n"
        )
    for line in _lines(folder / "index.noun"):
        fields = line.split()
        senses[fields[0]] = tuple(fields[6 + int(fields[3]) :])
    return WordNet(hypernyms, senses)


def _lines(path: Path) -> list[str]:
    """Without the licence, whose lines begin with a space."""
    return [line for line in path.read_text(encoding="ascii").splitlines() if not line.startswith(" ")]


def classes_label(
    names: Mapping[str, str], anchors: Mapping[str, tuple[str, ...]], wordnet: WordNet
) -> tuple[list[str | None], list[str]]:
    """The word of each class (None: no anchor above it), and what is wrong with the anchors.

    `names`: synset of each class -> its name. `anchors`: word -> its anchors.
    """
    own = {name.replace(" ", "_").lower(): synset for synset, name in reversed(list(names.items()))}
    found: dict[str, str] = {}
    faults = []
    for word, listed in anchors.items():
        for anchor in listed:
            lemma, _, sense = anchor.lower().partition(".")
            known = (own[anchor.lower()],) if anchor.lower() in own else wordnet.senses.get(lemma, ())
            number = int(sense or 1)
            if not 1 <= number <= len(known):
                faults.append(f"{word}: WordNet has no {anchor}")
            elif (synset := known[number - 1]) in found:
                faults.append(f"{word}: {anchor} is an anchor of {found[synset]} too")
            else:
                found[synset] = word
    labels = [_nearest(synset, found, wordnet.hypernyms) for synset in names]
    faults += [f"{word}: no class" for word in anchors if word not in labels]
    return labels, faults


def _nearest(synset: str, anchors: Mapping[str, str], hypernyms: Mapping[str, tuple[str, ...]]) -> str | None:
    level = [synset]
    while level:
        for each in level:
            if each in anchors:
                return anchors[each]
        level = [above for each in level for above in hypernyms[each]]
    return None


def table_build(folder: Path) -> tuple[dict[str, object], list[str]]:
    """The table as JSON data, and the faults of its anchors."""
    from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo()
    ids = [info.index_to_label_name(index).removeprefix("n") for index in range(CLASSES)]
    own = [info.index_to_description(index).split(",")[0] for index in range(CLASSES)]
    rows = _rows(WORDS)
    anchors = {row["word"]: _listed(row["anchors"]) for row in rows if row["anchors"]}
    labels, faults = classes_label(dict(zip(ids, own, strict=True)), anchors, wordnet_read(folder))
    words: dict[str, dict[str, Any]] = {}
    for row in rows:
        parts = _listed(row["parts"]) or (row["word"],)
        words[row["word"]] = {
            "word": row["word"],
            "plural": row["plural"],
            "kind": row["kind"],
            "like": _listed(row["like"]),
            "synonyms": _listed(row["synonyms"]),
            "classes": [index for index, label in enumerate(labels) if label in parts],
            "article": _article(row["word"], mass=bool(row["kind"]) and row["plural"] in ("", row["word"])),
        }
    said = {name: word for word, row in words.items() for name in (word, row["plural"], *row["synonyms"]) if name}
    for index, (name, label) in enumerate(zip(own, labels, strict=True)):
        if label is None:
            word = RENAMED.get(name.lower(), name.lower())
            plain = {"word": word, "plural": "", "kind": "", "like": (), "synonyms": ()}
            known = words.setdefault(
                said.get(word, word), {**plain, "classes": [], "article": _article(word, mass=word in NO_ARTICLE)}
            )
            known["classes"].append(index)
    nouns = {row["kind"]: (_listed(row["nouns"]), _listed(row["plurals"])) for row in _rows(NOUNS)}
    return {"words": list(words.values()), "nouns": nouns}, faults


def _article(word: str, *, mass: bool) -> str:
    if mass:
        return ""
    vowel = word.startswith(VOWEL_SOUNDS) and not word.startswith(CONSONANT_SOUNDS)
    return "an" if vowel else "a"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, dialect="excel-tab"))


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(cell.split(", ")) if cell else ()


def main() -> int:
    parser = argparse.ArgumentParser(description="Makes the table of everyday words from WordNet's hypernyms.")
    parser.add_argument("--wordnet", type=Path, required=True, help="folder with data.noun and index.noun")
    table, faults = table_build(parser.parse_args().wordnet)
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 1
    TABLE.write_text(json.dumps(table, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{TABLE.name}: {CLASSES} classes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
