"""Networks of timm and torchvision without their classifiers, cut into named stages.

A stage maps feature maps to feature maps. The network is its stages in turn. In known families a stage is as small as a
residual block; any other network is a single stage, "network".
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from captioner.encoders.encoder_catalogue import encoder_library
from captioner.encoders.network_classifier import TimmClassifier, torchvision_classifier
from captioner.encoders.pretrained_weights import weights_fill, weights_unfit
from captioner.errors import BundleIncompatible

Stages = list[tuple[str, nn.Module]]


class Network(nn.Module):
    """(B, 3, S, S) normalised pixels -> (B, C, H, H). `net` is the library's own module and holds all weights.

    `classify`: its maps -> scores (B, classes), if it was made with its classifier.
    """

    def __init__(self, net: nn.Module, stages: Stages, *, classify: nn.Module | None = None) -> None:
        super().__init__()
        self.net = net
        self.classify = classify
        self._stages = tuple(stages)  # a tuple: their weights are those of `net` and not registered again

    def stages(self) -> tuple[tuple[str, nn.Module], ...]:
        return self._stages

    def forward(self, inputs: Tensor) -> Tensor:
        for _, stage in self._stages:
            inputs = stage(inputs)
        return inputs


def network_create(
    name: str, *, tensors: Mapping[str, Tensor] | None, source: str, classifier: bool = False
) -> Network:
    """The network of encoder `name`, in evaluation mode. `tensors`: its weights (None: random). `source`: of `tensors`.

    `classifier`: with the layers that score its classes, which an encoder has no use for.
    Raises BundleIncompatible: no such encoder, tensors that do not fit it, or a network without a map of features.
    """
    library, network = encoder_library(name)
    if library == "torchvision":
        return _torchvision_network(network, tensors, source, classifier=classifier)
    own = name != f"timm/{network}"  # the packages of our own encoders name the tensors otherwise than timm
    return _timm_network(network, tensors, source, ordered=own, classifier=classifier)


def network_channels(network: Network, *, name: str, size: int) -> int:
    """C of the maps (B, C, H, H) that the network makes of `size` x `size` pixels. Found by a dry run.

    Raises BundleIncompatible where the network takes no photos of that size or gives no square grid.
    """
    with torch.no_grad():
        try:
            maps: Any = network(torch.zeros(1, 3, size, size))
        except Exception as error:  # each network has its own error for a size that it does not take
            raise BundleIncompatible(
                f"The encoder {name} cannot take photos of {size} x {size} pixels ({error}). Give another size."
            ) from error
    shape = tuple(maps.shape) if isinstance(maps, Tensor) else type(maps).__name__
    if not isinstance(maps, Tensor) or maps.ndim != 4 or maps.shape[2] != maps.shape[3]:
        raise BundleIncompatible(
            f"The encoder {name} gives no grid of features: it makes {shape} of a photo, not (1, channels, side, "
            "side). Choose a convolutional network, such as timm/resnet18."
        )
    return maps.shape[1]


def _timm_network(
    network: str, tensors: Mapping[str, Tensor] | None, source: str, *, ordered: bool, classifier: bool
) -> Network:
    import timm

    # num_classes=0 drops the classifier. Without the argument, the network has as many as its usual weights.
    options: dict[str, Any] = {} if classifier else {"num_classes": 0}
    net = timm.create_model(network, pretrained=False, **options).eval()
    if tensors is not None:
        weights_fill(net, tensors if ordered else _timm_tensors(network, tensors, source), source=source)
    return Network(net, _timm_stages(net), classify=TimmClassifier(net) if classifier else None)


def _timm_tensors(network: str, tensors: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """The tensors by the names of timm's network. timm's own loader converts them: it knows its older file formats."""
    import timm

    found: Any = timm.get_pretrained_cfg(network)
    classifier = found.classifier if found else None
    head = classifier if isinstance(classifier, str) else (classifier or ("",))[0]
    # The loader is strict when the number of classes is that of the weights. Without a classifier, try none first.
    counts = [len(tensors[f"{head}.weight"])] if f"{head}.weight" in tensors else [0, found.num_classes if found else 0]
    reason = ""
    for classes in dict.fromkeys(counts):
        overlay = {"state_dict": dict(tensors), "num_classes": classes, "label_offset": 0, "source": None}
        try:
            net = timm.create_model(network, pretrained=True, num_classes=classes, pretrained_cfg_overlay=overlay)
        except Exception as error:  # noqa: BLE001 - the loaders of timm's families have errors of their own
            reason = reason or str(error).partition("\n")[2].strip() or str(error)
        else:
            state: dict[str, Tensor] = net.state_dict()
            return state
    raise weights_unfit(source, reason[:300].rstrip("."))


def _timm_stages(net: Any) -> Stages:
    from timm.models.efficientnet import EfficientNet
    from timm.models.mobilenetv3 import MobileNetV3
    from timm.models.resnet import ResNet

    # Exactly these classes: a derived one may run its parts in another way.
    if type(net) in {EfficientNet, MobileNetV3}:
        stages = [("stem", nn.Sequential(net.conv_stem, net.bn1)), *_blocks("blocks", net.blocks)]
        if type(net) is EfficientNet:
            stages.append(("head", nn.Sequential(net.conv_head, net.bn2)))
        return stages
    if type(net) is ResNet:
        return [("stem", nn.Sequential(net.conv1, net.bn1, net.act1, net.maxpool)), *_layers(net)]
    return [("network", _TimmFeatures(net))]


class _TimmFeatures(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, inputs: Tensor) -> Tensor:
        features: Tensor = self.net.forward_features(inputs)  # type: ignore[operator]
        return features


def _torchvision_network(
    network: str, tensors: Mapping[str, Tensor] | None, source: str, *, classifier: bool
) -> Network:
    import torchvision

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two networks warn of how they draw random weights
        net: Any = torchvision.models.get_model(network, weights=None).eval()
    if not classifier:
        for part in ("fc", "classifier", "head", "heads"):
            if hasattr(net, part) and not isinstance(net, torchvision.models.MaxVit):
                setattr(net, part, nn.Identity())
    if tensors is not None:
        weights_fill(net, tensors, source=source)
    classify = torchvision_classifier(net) if classifier else None
    return Network(*_torchvision_stages(net, network), classify=classify)


def _torchvision_stages(net: Any, network: str) -> tuple[nn.Module, Stages]:
    import torchvision

    models = torchvision.models
    featured = (models.AlexNet, models.VGG, models.SqueezeNet, models.MobileNetV2, models.MobileNetV3)
    if isinstance(net, models.ResNet):
        return net, [("stem", nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool)), *_layers(net)]
    if isinstance(net, (*featured, models.EfficientNet, models.ConvNeXt)):
        return net, _learning(_blocks("features", net.features))
    if isinstance(net, models.DenseNet):
        return net, _learning([*_blocks("features", net.features), ("relu", nn.ReLU())])
    if isinstance(net, models.MNASNet):
        return net.layers, _learning(_blocks("layers", net.layers))
    net = _pooled(net, network)
    return net, [("network", net)]


def _pooled(net: Any, name: str) -> nn.Module:
    """The network up to the maps that its last pooling over all places takes: inputs -> maps."""
    from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

    if hasattr(net, "transform_input"):
        net.transform_input = True  # as its weights were trained
    _, nodes = get_graph_node_names(net)
    modules = dict(net.named_modules())
    ends = [at for at, node in enumerate(nodes) if _pools(node, modules)]
    if not ends:
        raise BundleIncompatible(
            f"The encoder torchvision/{name} gives no grid of features: nothing in it is pooled over the photo. "
            "Choose a convolutional network, such as torchvision/resnet18."
        )
    last = nodes[ends[-1] - 1]
    return _Single(create_feature_extractor(net, [last]), last)


def _pools(node: str, modules: Mapping[str, nn.Module]) -> bool:
    return node == "mean" or isinstance(modules.get(node), nn.AdaptiveAvgPool2d)


class _Single(nn.Module):
    def __init__(self, net: nn.Module, key: str) -> None:
        super().__init__()
        self.net, self.key = net, key

    def forward(self, inputs: Tensor) -> Tensor:
        maps: Tensor = self.net(inputs)[self.key]
        return maps


def _layers(net: Any) -> Stages:
    return [stage for i in range(1, 5) for stage in _blocks(f"layer{i}", getattr(net, f"layer{i}"))]


def _blocks(name: str, group: nn.Module) -> Stages:
    """The parts of a plain sequence, and of plain sequences within it. Any other module stays whole."""
    if type(group) is not nn.Sequential:
        return [(name, group)]
    return [stage for key, part in group.named_children() for stage in _blocks(f"{name}.{key}", part)]


def _learning(stages: Stages) -> Stages:
    """Layers without parameters (pooling, ReLU) join the stage before them."""
    joined: list[tuple[str, list[nn.Module]]] = []
    for name, stage in stages:
        if joined and next(stage.parameters(), None) is None:
            joined[-1][1].append(stage)
        else:
            joined.append((name, [stage]))
    return [(name, parts[0] if len(parts) == 1 else nn.Sequential(*parts)) for name, parts in joined]
