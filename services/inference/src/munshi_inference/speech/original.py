"""Whisper by openai-whisper and torch, for weights that are at hand as a `.pt` file."""

from pathlib import Path

from munshi.contracts.media import Transcript
from munshi_inference.speech.confidence import Stretch, heard
from munshi_inference.speech.faster import likeliest, transcript_of
from munshi_inference.speech.sound import RATE, Samples, samples_of

ENGINE = "openai-whisper"


class OriginalWhisper:
    """One model, in the process that loads it."""

    def __init__(self, weights: Path, threads: int = 1) -> None:
        """`weights`: a `.pt` file of OpenAI's."""
        import torch
        import whisper

        torch.set_num_threads(threads)
        self._model = whisper.load_model(str(weights))

    def transcribe(self, wav: bytes, languages: tuple[str, ...], longest_seconds: float) -> Transcript:
        """Writes down one sound; as `FasterWhisper.transcribe`, without cutting silence out."""
        samples = samples_of(wav, longest_seconds)
        language, probability = self._language(samples, languages)
        found = self._model.transcribe(
            samples,
            language=language,
            condition_on_previous_text=False,
            fp16=False,
        )
        stretches = [
            Stretch(
                start=segment["start"],
                end=segment["end"],
                text=segment["text"],
                mean_log_probability=segment["avg_logprob"],
                silence=segment["no_speech_prob"],
                compression=segment["compression_ratio"],
            )
            for segment in found["segments"]
        ]
        said = [stretch for stretch in stretches if heard(stretch)]
        return transcript_of(said, len(samples) / RATE, found.get("language"), probability, ENGINE)

    def _language(self, samples: Samples, languages: tuple[str, ...]) -> tuple[str | None, float]:
        if not self._model.is_multilingual:
            return "en", 1.0
        if len(languages) < 2:
            return (languages[0] if languages else None), 1.0
        import whisper

        mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(samples), self._model.dims.n_mels)
        _, probabilities = self._model.detect_language(mel.to(self._model.device))
        return likeliest(probabilities, languages)
