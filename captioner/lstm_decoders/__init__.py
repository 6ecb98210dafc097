"""Recurrent decoders: features to words, one step at a time.

decoder.py                what search and training need of a decoder, its state, and the shared LSTM
show_attend_and_tell.py   soft attention over the feature map (Xu et al. 2015)
show_and_tell.py          the photo as one vector (Vinyals et al. 2015)
tutorial.py               the decoder that this project began with
decoder_factory.py        from a configuration to a decoder
"""

from captioner.lstm_decoders.decoder import Decoder, DecoderState, TiedDecoder
from captioner.lstm_decoders.decoder_factory import decoder_create
from captioner.lstm_decoders.show_and_tell import ShowAndTell
from captioner.lstm_decoders.show_attend_and_tell import ShowAttendAndTell
from captioner.lstm_decoders.tutorial import Tutorial

__all__ = [
    "Decoder",
    "DecoderState",
    "ShowAndTell",
    "ShowAttendAndTell",
    "TiedDecoder",
    "Tutorial",
    "decoder_create",
]
