"""A voice behind an OpenAI-compatible `/v1/audio/speech`."""

from munshi.contracts.media import EngineInfo
from munshi.inference import InferenceSettings
from munshi_inference.services import client, translated
from munshi_inference.voices.spoken import VOICES


class HttpSpeaker:
    """Asks the service for Opus; it reads figures and scripts by itself."""

    def __init__(self, settings: InferenceSettings) -> None:
        self._model, self._voice = settings.tts_model, settings.tts_voice
        self._client = client(settings.tts_url, settings.tts_key, settings.tts_seconds)

    def info(self) -> EngineInfo:
        """What it is."""
        return EngineInfo("tts", "openai", "url", model=self._model, languages=tuple(VOICES), ready=True)

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.close()

    async def speak(self, text: str, language: str) -> bytes:
        """Speaks one text.

        Raises:
            Retryable: the service is away or busy.
            Permanent: it refuses this text (`voice_refused`).
        """
        del language  # it hears that by itself
        with translated("speech", "voice_refused"):
            answer = await self._client.audio.speech.create(
                model=self._model, voice=self._voice, input=text, response_format="opus"
            )
        return answer.content
