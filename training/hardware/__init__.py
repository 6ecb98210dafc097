"""The machine: device, arithmetic and memory."""
