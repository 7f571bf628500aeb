"""Entry points: the engines over Triton, each with the engine in process behind it where there is one."""

from typing import Any

from munshi.contracts.media import READERS, DocumentReader, Embedder, Transcriber
from munshi.inference import EngineMissing, InferenceSettings, load_engine
from munshi_inference.triton.engines import TritonEmbedder, TritonReader, TritonTranscriber


def reader(settings: InferenceSettings) -> DocumentReader:
    """Pictures and PDFs."""
    local = _in_process("documents", settings)
    return TritonReader(settings.triton_url, local, settings.triton_seconds, settings.triton_files)


def transcriber(settings: InferenceSettings) -> Transcriber:
    """Speech. A service by URL needs no Triton before it."""
    local = _in_process("speech", settings)
    if settings.speech_url and local is not None:
        given: Transcriber = local
        return given
    return TritonTranscriber(settings.triton_url, local, settings.triton_seconds, settings.triton_files)


def embedder(settings: InferenceSettings) -> Embedder:
    """Vectors. A service by URL needs no Triton before it. Raises `EngineMissing`: what space they are of is
    known in process alone."""
    local: Embedder = load_engine(READERS["embeddings"], _without(settings))
    if settings.embeddings_url:
        return local
    return TritonEmbedder(settings.triton_url, local, settings.triton_seconds)


def _in_process(part: str, settings: InferenceSettings) -> Any:
    try:
        return load_engine(READERS[part], _without(settings))
    except EngineMissing:
        return None


def _without(settings: InferenceSettings) -> InferenceSettings:
    return settings.model_copy(update={"triton_url": ""})
