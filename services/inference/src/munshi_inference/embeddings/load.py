"""Which embedding a service has."""

from munshi.contracts.media import Embedder
from munshi.inference import InferenceSettings


def load(settings: InferenceSettings) -> Embedder:
    """The service of the settings, else the small one in process.

    Raises:
        EngineMissing: there is no model.
    """
    if settings.embeddings_url:
        from munshi_inference.embeddings.over_http import HttpEmbedder

        return HttpEmbedder(settings)
    from munshi_inference.embeddings.small import load_small

    return load_small(settings)
