"""Speech in Triton: the engine of `munshi_inference.speech`, with the weights of the server's settings."""

from munshi_inference.triton.serving import Speech as TritonPythonModel

__all__ = ["TritonPythonModel"]
