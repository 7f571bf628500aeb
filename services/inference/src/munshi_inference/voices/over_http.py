"""A voice behind an OpenAI-compatible `/v1/audio/speech`."""

from openai import APIConnectionError, APIStatusError, AsyncOpenAI

from munshi.contracts.media import EngineInfo
from munshi.errors import Permanent, Retryable
from munshi.inference import InferenceSettings
from munshi_inference.voices.spoken import VOICES


class HttpSpeaker:
    """Asks the service for Opus; it reads figures and scripts by itself."""

    def __init__(self, settings: InferenceSettings) -> None:
        self._model, self._voice = settings.tts_model, settings.tts_voice
        self._client = AsyncOpenAI(
            base_url=settings.tts_url,
            api_key=settings.tts_key.get_secret_value() or "none",
            timeout=settings.tts_seconds,
            max_retries=1,
        )

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
        try:
            answer = await self._client.audio.speech.create(
                model=self._model, voice=self._voice, input=text, response_format="opus"
            )
        except APIStatusError as error:
            if error.status_code in {408, 409, 429} or error.status_code >= 500:
                raise Retryable(f"the speech service answered {error.status_code}") from error
            raise Permanent(f"the speech service refused: {error.status_code}", "voice_refused") from error
        except APIConnectionError as error:
            raise Retryable(f"the speech service is away: {type(error).__name__}") from error
        return answer.content
