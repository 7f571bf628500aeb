"""Which voice a service has."""

from munshi.contracts.media import Speaker
from munshi.inference import InferenceSettings


def load(settings: InferenceSettings) -> Speaker:
    """The service of the settings, else espeak-ng.

    Raises:
        EngineMissing: neither is there.
    """
    if settings.tts_url:
        from munshi_inference.voices.over_http import HttpSpeaker

        return HttpSpeaker(settings)
    from munshi_inference.voices.espeak import EspeakSpeaker

    return EspeakSpeaker()
