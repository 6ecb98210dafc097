"""The servers that Fovea is compared with."""
