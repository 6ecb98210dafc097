"""What runs a model: PyTorch, which is the reference; ONNX Runtime, which a CPU runs in a fraction of the time; or a
GPU in half precision.

Every engine offers the same: `start` turns photos into the state before the first word, `step` goes one word on.
captioner.search stands above them.
"""

from captioner.engines.cuda import CudaEngine
from captioner.engines.onnx_runtime import encoder_accelerate, engine_accelerate
from captioner.engines.pytorch import Engine, PyTorchEngine
from captioner.engines.sessions import SessionUnfit

ACCELERATED = 500  # from so many photos on, ONNX Runtime saves more time than its start and an export take

__all__ = [
    "ACCELERATED",
    "CudaEngine",
    "Engine",
    "PyTorchEngine",
    "SessionUnfit",
    "encoder_accelerate",
    "engine_accelerate",
]
