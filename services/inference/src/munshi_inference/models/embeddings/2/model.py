"""Vectors in Triton: the engine of `munshi_inference.embeddings`."""

from munshi_inference.triton.serving import Embeddings as TritonPythonModel

__all__ = ["TritonPythonModel"]
