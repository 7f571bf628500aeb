"""Speech to text by an OpenAI-compatible `/v1/audio/transcriptions`: OpenAI, Groq, vLLM, one's own."""

from openai import APIConnectionError, APIStatusError, AsyncOpenAI, omit

from munshi.contracts.media import EngineInfo, FileRef, ReadHints, Transcript
from munshi.errors import Permanent, Retryable
from munshi.inference import InferenceSettings
from munshi_inference.files import bytes_of
from munshi_inference.speech.confidence import Stretch, heard
from munshi_inference.speech.faster import transcript_of

ENGINE = "openai"
_UNKNOWN = -0.5
"""Log probability assumed where a service gives none: an answer that is asked about rather than booked."""


class HttpTranscriber:
    """Sends the WAV as it is."""

    def __init__(self, settings: InferenceSettings) -> None:
        self._model = settings.speech_url_model
        self._client = AsyncOpenAI(
            base_url=settings.speech_url,
            api_key=settings.speech_key.get_secret_value() or "none",
            max_retries=0,
        )

    def info(self) -> EngineInfo:
        """What it is."""
        return EngineInfo("speech", ENGINE, "url", model=self._model, ready=True)

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.close()

    async def transcribe(self, file: FileRef, hints: ReadHints) -> Transcript:
        """Writes down one sound.

        Raises:
            Retryable: the service is away, slow or busy, or refuses the key.
            Permanent: it refuses this sound (`speech_refused`).
        """
        wav = await bytes_of(file)
        languages = tuple(dict.fromkeys(tag.split("-", 1)[0] for tag in hints.languages))
        try:
            answer = await self._client.with_options(timeout=hints.seconds).audio.transcriptions.create(
                file=("voice.wav", wav, "audio/wav"),
                model=self._model,
                response_format="verbose_json",
                language=languages[0] if len(languages) == 1 else omit,
            )
        except APIStatusError as error:
            if error.status_code in {401, 403, 408, 409, 429} or error.status_code >= 500:
                raise Retryable(f"the transcription service answered {error.status_code}") from error
            raise Permanent(
                f"the transcription service refused: {error.status_code}", "speech_refused"
            ) from error
        except APIConnectionError as error:
            raise Retryable(f"the transcription service is away: {type(error).__name__}") from error
        stretches = [
            Stretch(
                start=segment.start,
                end=segment.end,
                text=segment.text,
                mean_log_probability=segment.avg_logprob if segment.avg_logprob is not None else _UNKNOWN,
                silence=segment.no_speech_prob or 0.0,
                compression=segment.compression_ratio or 1.0,
            )
            for segment in answer.segments or []
        ]
        if not stretches and answer.text.strip():
            stretches = [Stretch(0.0, float(answer.duration), answer.text, _UNKNOWN, 0.0, 1.0)]
        said = [stretch for stretch in stretches if heard(stretch)]
        return transcript_of(said, float(answer.duration), answer.language, 1.0, ENGINE)
