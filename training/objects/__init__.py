"""Fits an object head (captioner.objects) to photos that people described.

object_fit.py     temperature, trust and reliability from scores and captions
object_bundle.py  a bundle, and the same one with an object head
"""
