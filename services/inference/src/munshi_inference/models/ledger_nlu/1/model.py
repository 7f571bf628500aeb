"""The Ledger's understanding in Triton: the engine of `munshi_inference.nlu` over the files here."""

from munshi_inference.triton.serving import Understanding as TritonPythonModel

__all__ = ["TritonPythonModel"]
