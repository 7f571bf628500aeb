"""Pictures and PDFs in Triton: the engine of `munshi_inference.documents`."""

from munshi_inference.triton.serving import Documents as TritonPythonModel

__all__ = ["TritonPythonModel"]
