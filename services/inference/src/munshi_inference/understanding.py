"""Entry points `munshi.engines`: the understanding in process, and over Triton with that one behind it."""

from munshi.contracts.media import EngineInfo
from munshi.contracts.understanding import Understander
from munshi.inference import InferenceSettings
from munshi_inference.answers import KeptAnswers
from munshi_inference.nlu import repository
from munshi_inference.nlu.engine import load

_LANGUAGES = ("hi", "en")


def _info() -> EngineInfo:
    version = repository.latest(repository.repository()).name
    return EngineInfo(
        part="nlu",
        engine="crf and linear classifier",
        where="in-process",
        model=f"{repository.MODEL_NAME}/{version}",
        languages=_LANGUAGES,
        ready=True,
    )


def in_process(_: InferenceSettings | None = None) -> Understander:
    """The newest model, in this process. Raises `repository.ModelError` when there is none."""
    return KeptAnswers(load(), _info())


def over_triton(settings: InferenceSettings | None = None) -> Understander:
    """The same model in Triton; what Triton cannot take is read in this process."""
    from munshi_inference.triton.engines import TritonUnderstander

    settings = settings or InferenceSettings()
    return KeptAnswers(TritonUnderstander(settings.triton_url, load(), _info()), _info())
