"""Models so small that a test can say what they do: a decoder that is a table, an encoder of three layers."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from captioner.config import DecoderConfig, Preprocessing
from captioner.encoders import Encoder
from captioner.encoders.network_stages import Network
from captioner.lstm_decoders import Decoder, DecoderState, decoder_create
from training.epoch.epoch_record import EpochRecord

STAGES = ("stem", "depthwise", "last")
CHANNELS = 6
DECODER = DecoderConfig(name="show_and_tell", embedding=8, hidden=8, annotation=8, attention=4, dropout=0.5)
RECORD = EpochRecord(
    stage="decoder",
    epoch=1,
    epochs=2,
    seconds=75.0,
    train_loss=4.5,
    validation_loss=4.25,
    bleu_4=12.34,
    cider=34.56,
    comparable=True,
    distinct=0.5,
    peak=3.21,
    distance=0.456,
    captions_per_second=1234.0,
    data_share=0.07,
    rate=1e-3,
    encoder_rate=0.0,
)


class Table(Decoder):
    """The next word by the word before it alone: `shares` (V, V), each row in proportion; one row (V) for all words.

    `first`: gives an output for <start> too, as the tutorial's decoder does. `modes`: whether its dropout was on
    when it was asked for a word, call after call.
    """

    def __init__(self, shares: Tensor, *, first: bool = False) -> None:
        super().__init__()
        self.table = nn.Parameter(shares.expand(shares.shape[-1], -1).log())
        self.first = first
        self.dropout = nn.Dropout(0.5)
        self.modes: list[bool] = []

    def logits(self, vectors: Tensor) -> Tensor:
        return self.table[vectors.squeeze(-1).long()]

    def vectors(self, features: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        inputs = torch.cat([tokens[:, :, :1], tokens], 2) if self.first else tokens
        return inputs.unsqueeze(-1).float(), torch.zeros(*inputs.shape, 0)

    def start(self, features: Tensor) -> DecoderState:
        zeros = torch.zeros(features.shape[0], 1, 1)
        return DecoderState((), zeros, zeros)

    def step(self, state: DecoderState, tokens: Tensor) -> tuple[Tensor, Tensor, DecoderState]:
        self.modes.append(self.dropout.training)
        return self.log_probabilities(tokens.unsqueeze(-1)), torch.zeros(*tokens.shape, 0), state


def encoder_tiny() -> Encoder:
    """Sees 32 pixels; gives 4 places of CHANNELS; its middle stage is a depthwise convolution with a normalisation."""
    net = nn.ModuleList(
        [
            nn.Conv2d(3, 4, 8, stride=8),
            nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1)),
            nn.Sequential(nn.Conv2d(4, CHANNELS, 2, stride=2), nn.BatchNorm2d(CHANNELS), nn.ReLU()),
        ]
    )
    return Encoder(Network(net, list(zip(STAGES, net, strict=True))), preprocessing=Preprocessing(size=32)).eval()


def decoder_tiny(*, words: int = 8, **changes: object) -> Decoder:
    config = replace(DECODER, **changes)  # type: ignore[arg-type]
    return decoder_create(config, vocabulary_size=words, feature_channels=CHANNELS)


def pixels_random(*, photos: int = 2) -> Tensor:
    """uint8 (B, 3, 32, 32)."""
    return torch.randint(0, 256, (photos, 3, 32, 32), dtype=torch.uint8)


def record(**changes: object) -> EpochRecord:
    return replace(RECORD, **changes)  # type: ignore[arg-type]
