"""Engines: the ways to run a model. Each has `start` (photos -> state before the first word) and `step` (one word on).

    pytorch_reference.py   PyTorch on any device: the reference, and the fallback
    onnx_runtime.py        ONNX Runtime on a CPU, in a fraction of the time
    onnx_export.py         a PyTorch module exported to ONNX, kept on disk, compared with PyTorch
    cuda_graphs.py         a GPU: half precision, captured graphs

captioner.beam_search runs on top of them.
"""

from captioner.engines.cuda_graphs import CudaEngine
from captioner.engines.onnx_export import EngineUnfit
from captioner.engines.onnx_runtime import encoder_accelerate, engine_accelerate
from captioner.engines.pytorch_reference import Engine, PyTorchEngine

ACCELERATED = 500  # photos from which on ONNX Runtime saves more time than its start and an export cost

__all__ = [
    "ACCELERATED",
    "CudaEngine",
    "Engine",
    "EngineUnfit",
    "PyTorchEngine",
    "encoder_accelerate",
    "engine_accelerate",
]
