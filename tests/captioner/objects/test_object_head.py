"""The classifier that an encoder grew from, and the stages that it shares with the encoder."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from captioner.encoders import encoder_config, encoder_create, encoder_preprocessing
from captioner.encoders.network_stages import network_create
from captioner.errors import BundleIncompatible
from captioner.objects.object_head import object_head_create, stages_frozen
from tests.captioner.small_networks import network, pixels, saved

SIZE = 96


@pytest.mark.parametrize(
    "name",
    [
        "timm/resnet18",
        "torchvision/resnet18",
        "torchvision/alexnet",
        "torchvision/squeezenet1_1",
        "torchvision/mobilenet_v3_small",
        "torchvision/mnasnet0_5",
        "torchvision/densenet121",
        "torchvision/convnext_tiny",
        "torchvision/shufflenet_v2_x0_5",
        "torchvision/regnet_y_400mf",
    ],
)
def test_classifier_scores_as_the_whole_network_does(name: str) -> None:
    whole = network(name)
    cut = network_create(name, tensors=whole.state_dict(), source=name, classifier=True).eval()
    assert cut.classify is not None
    photos = torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))

    with torch.inference_mode():
        scores = cut.classify(cut(photos))

    torch.testing.assert_close(scores, whole(photos), rtol=1e-4, atol=1e-4)


def test_encoder_has_no_classifier() -> None:
    assert network_create("timm/resnet18", tensors=None, source="").classify is None


@pytest.fixture(scope="module")
def lite() -> tuple:
    config = encoder_config("efficientnet_lite0")
    return config, encoder_create(config, preprocessing=encoder_preprocessing("efficientnet_lite0", size=SIZE))


def test_frozen_stages_end_where_the_encoder_was_trained(lite) -> None:
    config, _ = lite
    encoder = encoder_create(config, preprocessing=encoder_preprocessing("efficientnet_lite0", size=SIZE))
    stages = encoder.body.stages()
    assert stages_frozen(config, encoder) == len(stages)

    with torch.no_grad():
        next(stages[-3][1].parameters()).add_(1)

    assert stages_frozen(config, encoder) == len(stages) - 3


def test_head_sees_the_same_on_shared_stages_as_on_its_own(lite) -> None:
    config, encoder = lite
    with torch.inference_mode():
        found = [
            object_head_create(config, encoder, shared=shared, classes=1000).see(encoder, pixels(2))
            for shared in (0, 5, len(encoder.body.stages()))
        ]
        features = encoder(pixels(2))

    for own, scores in found:
        torch.testing.assert_close(own, features)
        torch.testing.assert_close(scores, found[0][1], rtol=1e-4, atol=1e-4)


def test_head_of_another_number_of_classes_is_refused(lite) -> None:
    config, encoder = lite
    with pytest.raises(BundleIncompatible, match="knows 1000 classes, and its table of words has 10"):
        object_head_create(config, encoder, shared=0, classes=10)


def test_head_runs_any_network_by_name(tmp_path: Path) -> None:
    config = encoder_config("timm/test_resnet", weights_file=saved(network("timm/test_resnet"), tmp_path / "net.pt"))
    encoder = encoder_create(config, preprocessing=encoder_preprocessing("timm/test_resnet", size=SIZE))
    head = object_head_create(replace(config), encoder, shared=len(encoder.body.stages()), classes=1000)

    assert isinstance(head.stages, nn.Sequential)
    assert len(head.stages) == 0
    assert head.see(encoder, pixels(1))[1].shape == (1, 1000)
