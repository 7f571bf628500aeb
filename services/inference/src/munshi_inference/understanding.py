"""Entry points `munshi.engines`: the understanding in process, and over Triton with that one behind it."""

import json
from pathlib import Path

from munshi.contracts.media import EngineInfo
from munshi.contracts.understanding import Understander
from munshi.errors import UserMistake
from munshi.inference import InferenceSettings
from munshi_inference.answers import KeptAnswers
from munshi_inference.nlu import repository
from munshi_inference.nlu.engine import LedgerEngine

_LANGUAGES = ("hi", "en")


def engine_of(folder: Path) -> LedgerEngine:
    """The engine over a version of the model, of whichever kind its card says that it is."""
    card = json.loads((folder / repository.CARD_FILE).read_text(encoding="utf-8"))
    if card.get("kind") == "encoder":
        from munshi_inference.nlu.encoder import EncoderEngine, EncoderModel

        return EncoderEngine(EncoderModel(folder))
    return LedgerEngine(repository.LedgerModel(folder))


def _folder(settings: InferenceSettings) -> Path:
    return settings.nlu_model or repository.latest(repository.repository())


def _info(settings: InferenceSettings) -> EngineInfo:
    own = settings.nlu_model is None
    return EngineInfo(
        part="nlu",
        engine="crf and linear classifier" if own else "fine-tuned encoder",
        where="in-process",
        model=f"{repository.MODEL_NAME}/{_folder(settings).name}",
        languages=_LANGUAGES,
        ready=True,
    )


def in_process(settings: InferenceSettings | None = None) -> Understander:
    """The model of the settings, in this process. Raises `repository.ModelError` when there is none."""
    settings = settings or InferenceSettings()
    return KeptAnswers(engine_of(_folder(settings)), _info(settings))


def over_triton(settings: InferenceSettings | None = None) -> Understander:
    """The same model in Triton; what Triton cannot take is read in this process.

    Raises:
        UserMistake: no Triton is named.
    """
    from munshi_inference.triton.engines import TritonUnderstander

    settings = settings or InferenceSettings()
    if not settings.triton_http_url:
        raise UserMistake("the engine triton needs MUNSHI_TRITON_HTTP_URL: host:port of Triton's HTTP")
    info = _info(settings)
    engine = TritonUnderstander(settings.triton_http_url, engine_of(_folder(settings)), info)
    return KeptAnswers(engine, info)
