"""Whisper by faster-whisper (CTranslate2): four times as fast as the original on a CPU, and without torch."""

import sys
import types
from collections.abc import Mapping
from pathlib import Path

from munshi.contracts.media import Segment, Transcript
from munshi_inference.speech.confidence import Stretch, confidence_of, heard
from munshi_inference.speech.sound import RATE, Samples, samples_of

ENGINE = "faster-whisper"


class FasterWhisper:
    """One model, in the process that loads it. Takes 0.1 s (tiny) to some seconds (large) to load."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """`folder` holds `model.bin`, `config.json`, `tokenizer.json`, `vocabulary.json`."""
        # PyAV, which faster-whisper reads files by, ships GPL codecs. It is left out: samples are given.
        sys.modules.setdefault("av", types.ModuleType("av"))
        from faster_whisper import WhisperModel

        self._model = WhisperModel(
            str(folder), device="auto", compute_type="default", cpu_threads=threads, local_files_only=True
        )

    def transcribe(self, wav: bytes, languages: tuple[str, ...], longest_seconds: float) -> Transcript:
        """Writes down one sound, in one of `languages` (BCP 47 primary tags) where any is given: left alone,
        Whisper takes much Hindi for Urdu.

        Silence is cut out first, so that a long note costs what is said in it; times are those of the note.

        Raises:
            Permanent: it is no such sound.
        """
        samples = samples_of(wav, longest_seconds)
        language, probability = self._language(samples, languages)
        found, info = self._model.transcribe(
            samples,
            language=language,
            vad_filter=True,
            condition_on_previous_text=False,  # one misheard stretch would spoil all that follow
        )
        stretches = [
            Stretch(
                start=segment.start,
                end=segment.end,
                text=segment.text,
                mean_log_probability=segment.avg_logprob,
                silence=segment.no_speech_prob,
                compression=segment.compression_ratio,
            )
            for segment in found
        ]
        said = [stretch for stretch in stretches if heard(stretch)]
        sure = info.language_probability if language is None else probability
        return transcript_of(said, len(samples) / RATE, info.language, sure, ENGINE)

    def _language(self, samples: Samples, languages: tuple[str, ...]) -> tuple[str | None, float]:
        """Which of the tenant's languages it is, and how probable against the others of them."""
        if not self._model.model.is_multilingual:
            return "en", 1.0
        if len(languages) < 2:
            return (languages[0] if languages else None), 1.0
        _, _, likely = self._model.detect_language(samples, vad_filter=True)
        return likeliest(dict(likely), languages)


def likeliest(probabilities: Mapping[str, float], languages: tuple[str, ...]) -> tuple[str | None, float]:
    """The likeliest of `languages`, and its share among them; `None` where the model knows none of them."""
    known = {language: probabilities[language] for language in languages if language in probabilities}
    if not known:
        return None, 1.0
    best = max(known, key=lambda language: known[language])
    return best, known[best] / (sum(known.values()) or 1.0)


def transcript_of(
    said: list[Stretch], seconds: float, language: str | None, language_probability: float, engine: str
) -> Transcript:
    """Stretches put together."""
    return Transcript(
        text=" ".join(stretch.text.strip() for stretch in said),
        language=language,
        confidence=confidence_of(said, language_probability),
        seconds=round(seconds, 2),
        segments=tuple(Segment(start=s.start, end=min(s.end, seconds), text=s.text.strip()) for s in said),
        engine=engine,
    )
