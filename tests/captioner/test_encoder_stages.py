"""Encoders in parts: the names of their stages, and any two parts that are the whole."""

import pytest
import torch

from tests.captioner.small_networks import created, pixels


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("timm/test_resnet", ("stem", "layer1.0", "layer2.0", "layer3.0", "layer4.0")),
        ("torchvision/resnet18", ("stem", *(f"layer{i}.{j}" for i in (1, 2, 3, 4) for j in (0, 1)))),
        ("torchvision/alexnet", ("features.0", "features.3", "features.6", "features.8", "features.10")),
        ("timm/test_byobnet", ("network",)),
        ("torchvision/regnet_y_400mf", ("network",)),
    ],
)
def test_encoder_stages_are_its_blocks_or_the_network(name, stages):
    assert created(name, None).stage_names == stages


def test_encoder_stages_of_an_efficientnet_run_from_stem_to_head():
    names = created("efficientnet_lite0", None).stage_names

    assert names[:3] == ("stem", "blocks.0.0", "blocks.1.0")
    assert names[-2:] == ("blocks.6.0", "head")


CUT = ["efficientnet_lite0", "resnet50", "timm/test_resnet", "timm/test_byobnet", "torchvision/mobilenet_v3_small"]


@pytest.mark.parametrize("name", CUT)
def test_encoder_in_two_parts_says_what_it_says_whole(name):
    encoder = created(name, None)
    count = len(encoder.stage_names)

    with torch.inference_mode():
        whole = encoder(pixels(1))
        for trained in sorted({0, 1, count // 2, count}):
            trunk, head = encoder.split(trained)
            assert torch.allclose(head(trunk(pixels(1))), whole, atol=1e-4)


@pytest.mark.parametrize("name", CUT)
def test_encoder_in_two_parts_shares_its_weights_and_has_each_once(name):
    encoder = created(name, None)
    own = {id(parameter) for parameter in encoder.parameters()}

    for trained in {0, 1, len(encoder.stage_names)}:
        parts = [{id(parameter) for parameter in part.parameters()} for part in encoder.split(trained)]
        assert parts[0] | parts[1] <= own
        assert not parts[0] & parts[1]


def test_encoder_split_leaves_the_last_stages_to_the_second_part():
    encoder = created("timm/test_resnet", None)

    _, head = encoder.split(2)

    wanted = [key for key, _ in encoder.body.net.named_parameters() if key.startswith(("layer3", "layer4"))]
    assert len(list(head.parameters())) == len(wanted) > 0


@pytest.mark.parametrize("trained", [-1, 6])
def test_encoder_cannot_be_cut_beyond_its_stages(trained):
    with pytest.raises(ValueError, match=f"has 5 stages; {trained} of them"):
        created("timm/test_resnet", None).split(trained)


def test_encoder_keeps_the_names_of_its_weights_that_bundles_know():
    keys = {name: set(created(name, None).state_dict()) for name in ("efficientnet_lite0", "resnet50")}

    assert {"body.net.conv_stem.weight", "body.net.blocks.6.0.conv_pwl.weight", "body.net.bn2.bias"} <= keys[
        "efficientnet_lite0"
    ]
    assert {"body.net.conv1.weight", "body.net.layer4.2.bn3.running_var"} <= keys["resnet50"]
    assert all(
        key.startswith("body.net.") and "classifier" not in key and ".fc." not in key
        for key in set().union(*keys.values())
    )
