"""Speech to text by an OpenAI-compatible `/v1/audio/transcriptions`: OpenAI, Groq, vLLM, one's own."""

from openai import omit

from munshi.contracts.media import EngineInfo, FileRef, ReadHints, Transcript
from munshi.inference import InferenceSettings
from munshi_inference.files import bytes_of
from munshi_inference.services import client, translated
from munshi_inference.speech.confidence import Stretch, heard
from munshi_inference.speech.faster import transcript_of

ENGINE = "openai"
_SECONDS = 600.0
"""Where a request brings no deadline of its own."""
_UNKNOWN = -0.5
"""Log probability assumed where a service gives none: an answer that is asked about rather than booked."""


class HttpTranscriber:
    """Sends the WAV as it is."""

    def __init__(self, settings: InferenceSettings) -> None:
        self._model = settings.speech_url_model
        self._client = client(settings.speech_url, settings.speech_key, _SECONDS)

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
        with translated("transcription", "speech_refused"):
            answer = await self._client.with_options(timeout=hints.seconds).audio.transcriptions.create(
                file=("voice.wav", wav, "audio/wav"),
                model=self._model,
                response_format="verbose_json",
                language=languages[0] if len(languages) == 1 else omit,
            )
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
