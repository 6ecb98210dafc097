"""Encoders of timm and torchvision by name, with weights that are made here: no test fetches any."""

from pathlib import Path

import huggingface_hub
import pytest
import torch
from safetensors.torch import save_file

from captioner.config import EncoderConfig, WeightsReference
from captioner.encoders import encoder_config, encoder_config_pinned, encoder_create, encoder_preprocessing
from captioner.errors import BundleCorrupt, BundleIncompatible, BundleMissing
from tests.captioner.small_networks import SIZE, created, network, pixels, saved


@pytest.mark.parametrize(
    "name", ["timm/test_resnet", "timm/test_efficientnet", "timm/test_convnext", "timm/test_byobnet"]
)
def test_encoder_of_timm_gives_the_features_of_its_network(name, tmp_path):
    net = network(name)

    encoder = created(name, saved(net, tmp_path / "weights.pth"))

    with torch.inference_mode():
        wanted = net.forward_features(encoder.normalise(pixels()))  # type: ignore[operator]
        features = encoder(pixels())
    assert features.shape == (2, wanted.shape[2] ** 2, encoder_config(name).feature_channels)
    assert torch.allclose(features, wanted.flatten(2).mT, atol=1e-4)


@pytest.mark.parametrize(
    "name",
    ["torchvision/mobilenet_v3_small", "torchvision/resnet18", "torchvision/regnet_y_400mf"],
)
def test_encoder_of_torchvision_gives_what_its_network_pools(name, tmp_path):
    net = network(name)
    pooled: list[torch.Tensor] = []
    net.avgpool.register_forward_pre_hook(lambda _, given: pooled.append(given[0]))  # type: ignore[union-attr]

    encoder = created(name, saved(net, tmp_path / "weights.pth"))

    with torch.inference_mode():
        net(encoder.normalise(pixels()))
        features = encoder(pixels())
    assert torch.allclose(features, pooled[0].flatten(2).mT, atol=1e-4)


def test_encoder_of_torchvision_without_a_pooling_layer_gives_its_features(tmp_path):
    net = network("torchvision/squeezenet1_0")

    encoder = created("torchvision/squeezenet1_0", saved(net, tmp_path / "weights.pth"))

    with torch.inference_mode():
        wanted = net.features(encoder.normalise(pixels()))  # type: ignore[operator]
        assert torch.allclose(encoder(pixels()), wanted.flatten(2).mT, atol=1e-4)


def test_encoder_weights_may_lie_in_a_safetensors_file(tmp_path):
    net = network("timm/test_resnet")
    save_file(net.state_dict(), tmp_path / "weights.safetensors")

    encoder = created("timm/test_resnet", tmp_path / "weights.safetensors")

    assert torch.equal(
        encoder.state_dict()["body.net.layer1.0.conv1.weight"], net.state_dict()["layer1.0.conv1.weight"]
    )


@pytest.mark.parametrize("classes", [0, 7, 1000])
def test_encoder_weights_of_timm_may_have_any_classes_or_none(classes, tmp_path):
    net = network("timm/test_resnet", num_classes=classes)

    encoder = created("timm/test_resnet", saved(net, tmp_path / "weights.pth"))

    assert torch.equal(
        encoder.state_dict()["body.net.layer4.0.conv1.weight"], net.state_dict()["layer4.0.conv1.weight"]
    )


@pytest.mark.parametrize("part", ["state_dict", "model"])
def test_encoder_weights_may_be_part_of_a_checkpoint(part, tmp_path):
    net = network("timm/test_resnet")
    torch.save({part: net.state_dict(), "epoch": 3}, tmp_path / "checkpoint.pt")

    encoder = created("timm/test_resnet", tmp_path / "checkpoint.pt")

    assert torch.equal(encoder.state_dict()["body.net.conv1.0.weight"], net.state_dict()["conv1.0.weight"])


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("timm/test_resnet", "timm/test_efficientnet"),
        ("torchvision/squeezenet1_0", "torchvision/squeezenet1_1"),
        ("torchvision/squeezenet1_0", "timm/test_resnet"),
    ],
)
def test_encoder_weights_of_another_network_do_not_fit(name, other, tmp_path):
    path = saved(network(other), tmp_path / "other.pth")

    with pytest.raises(BundleIncompatible, match=r"other\.pth do not fit the encoder"):
        created(name, path)


def test_encoder_weights_that_lack_a_tensor_do_not_fit(tmp_path):
    state = network("timm/test_resnet").state_dict()
    del state["layer2.0.conv1.weight"]
    torch.save(state, tmp_path / "short.pth")

    with pytest.raises(BundleIncompatible, match=r"short\.pth do not fit.*layer2\.0\.conv1\.weight"):
        created("timm/test_resnet", tmp_path / "short.pth")


@pytest.mark.parametrize("held", [[1, 2], {}, {"epoch": 3}])
def test_encoder_weights_file_without_named_tensors_is_corrupt(held, tmp_path):
    torch.save(held, tmp_path / "other.pth")

    with pytest.raises(BundleCorrupt, match=r"other\.pth are not a file of named tensors"):
        created("timm/test_resnet", tmp_path / "other.pth")


def test_encoder_weights_file_that_runs_code_is_refused(tmp_path):
    torch.save(network("timm/test_resnet"), tmp_path / "pickle.pth")

    with pytest.raises(BundleCorrupt, match=r"pickle\.pth"):
        created("timm/test_resnet", tmp_path / "pickle.pth")


def test_encoder_weights_in_a_damaged_safetensors_file_are_corrupt(tmp_path):
    (tmp_path / "weights.safetensors").write_bytes(b"not safetensors")

    with pytest.raises(BundleCorrupt, match=r"weights\.safetensors"):
        created("timm/test_resnet", tmp_path / "weights.safetensors")


def test_encoder_weights_file_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(BundleMissing, match=r"none\.pth"):
        encoder_config("timm/test_resnet", weights_file=tmp_path / "none.pth")


@pytest.mark.parametrize("name", ["timm/test_vit", "torchvision/vit_b_32"])
def test_encoder_that_gives_tokens_gives_no_grid(name):
    with pytest.raises(BundleIncompatible, match="gives no grid of features"):
        encoder_config(name)


def test_encoder_that_gives_its_channels_last_gives_no_grid(tmp_path):
    weights = saved(network("timm/test_mambaout"), tmp_path / "weights.pth")

    with pytest.raises(BundleIncompatible, match="gives no grid of features"):
        encoder_config("timm/test_mambaout", weights_file=weights)


def test_encoder_whose_weights_nobody_gives_asks_for_a_file():
    with pytest.raises(BundleMissing, match=r"timm/test_mambaout.*--encoder-weights"):
        encoder_config("timm/test_mambaout")


def test_encoder_that_cannot_take_photos_of_a_size_says_so():
    config = EncoderConfig("torchvision/alexnet", WeightsReference("bundle", "model.safetensors"), 256)

    with pytest.raises(BundleIncompatible, match="32 x 32 pixels"):
        encoder_create(config, preprocessing=encoder_preprocessing("torchvision/alexnet", size=32))


@pytest.mark.parametrize(
    ("name", "mean", "interpolation"),
    [
        ("timm/test_resnet", (0.5, 0.5, 0.5), "bilinear"),
        ("timm/test_efficientnet", (0.485, 0.456, 0.406), "bicubic"),
        ("torchvision/resnet101", (0.485, 0.456, 0.406), "bilinear"),
        ("resnet50", (0.485, 0.456, 0.406), "bicubic"),
    ],
)
def test_encoder_preprocessing_is_that_of_its_pretraining(name, mean, interpolation):
    preprocessing = encoder_preprocessing(name, size=160, resize="crop")

    assert (preprocessing.mean, preprocessing.interpolation) == (mean, interpolation)
    assert (preprocessing.size, preprocessing.resize) == (160, "crop")


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("timm/test_resnet", WeightsReference("timm", "test_resnet.r160_in1k")),
        ("timm/resnet18.tv_in1k", WeightsReference("timm", "resnet18.tv_in1k")),
        ("torchvision/squeezenet1_0", WeightsReference("torchvision", "IMAGENET1K_V1")),
    ],
)
def test_encoder_config_refers_to_the_weights_of_the_library(name, weights):
    assert encoder_config(name).weights == weights


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """The cache that timm's weights come into, empty; what is not in it cannot be fetched."""
    cache: Path = tmp_path / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return cache


def test_encoder_weights_of_timm_come_from_its_own_cache_and_are_pinned(hub):
    net = network("timm/test_resnet")
    folder = hub / "models--timm--test_resnet.r160_in1k"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("1" * 40)
    (folder / "snapshots" / ("1" * 40)).mkdir(parents=True)
    save_file(net.state_dict(), folder / "snapshots" / ("1" * 40) / "model.safetensors")

    config = encoder_config_pinned(encoder_config("timm/test_resnet"))
    encoder = encoder_create(config, preprocessing=encoder_preprocessing("timm/test_resnet", size=SIZE))

    assert config.weights.sha256 is not None
    assert torch.equal(
        encoder.state_dict()["body.net.layer1.0.conv1.weight"], net.state_dict()["layer1.0.conv1.weight"]
    )


def test_encoder_weights_of_timm_without_a_network_name_the_address_and_the_remedy(hub):
    with pytest.raises(BundleMissing, match=r"timm/test_resnet\.r160_in1k/model\.safetensors .*--encoder-weights"):
        encoder_config_pinned(encoder_config("timm/test_resnet"))


def test_encoder_weights_of_timm_that_it_no_longer_knows_are_incompatible():
    config = EncoderConfig("timm/test_resnet", WeightsReference("timm", "test_resnet.of_old"), 96)

    with pytest.raises(BundleIncompatible, match=r"test_resnet\.of_old"):
        encoder_create(config, preprocessing=encoder_preprocessing("timm/test_resnet", size=SIZE))


def test_encoder_that_a_bundle_carries_fetches_nothing(hub):
    created("timm/test_resnet", None)

    assert not hub.exists()
