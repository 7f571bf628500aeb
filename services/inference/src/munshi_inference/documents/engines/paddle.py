"""PaddleOCR itself, with models of one's own from a folder: `<folder>/<…det…>/inference.yml` and `<…rec…>`.

Optional (extra `paddleocr`, 1.3 GB with PaddlePaddle, which models as `inference.onnx` do without). Names and
folders of both models are given, so that it asks no hub.
"""

from pathlib import Path
from typing import Any

import yaml

from munshi_inference.documents.engines.rapid import Found, Pixels
from munshi_inference.documents.letters import plain

DESCRIPTION = "inference.yml"
ONNX = "inference.onnx"
STEP = "install PaddleOCR: pip install 'munshi-inference[paddleocr]'"


def is_paddle(folder: Path) -> bool:
    """Whether a folder holds models in PaddleOCR's form."""
    return any(folder.glob(f"*/{DESCRIPTION}"))


def model(folder: Path, part: str) -> tuple[str, Path]:
    """Name and folder of the model for `det` or `rec`.

    Raises:
        FileNotFoundError: there is none.
    """
    for description in sorted(folder.glob(f"*/{DESCRIPTION}")):
        name = str(yaml.safe_load(description.read_text(encoding="utf-8"))["Global"]["model_name"])
        if f"_{part}" in name.lower():
            return name, description.parent
    raise FileNotFoundError(f"no model for {part!r} with an {DESCRIPTION} under {folder}")


def options(det: Path, rec: Path) -> dict[str, Any]:
    """Who computes, on one core: onnxruntime where both models are there in its form, else PaddlePaddle."""
    if (det / ONNX).exists() and (rec / ONNX).exists():
        threads = {"intra_op_num_threads": 1, "inter_op_num_threads": 1}
        return {"engine": "onnxruntime", "engine_config": threads}
    return {"cpu_threads": 1}


class PaddleEngine:
    """One pair of models. Not for several threads at once."""

    name = "paddleocr"

    def __init__(self, folder: Path) -> None:
        """Loads the models.

        Raises:
            ImportError, FileNotFoundError: PaddleOCR or a model is not there.
        """
        from paddleocr import PaddleOCR

        (det, det_folder), (rec, rec_folder) = model(folder, "det"), model(folder, "rec")
        self.model = rec
        self._ocr: Any = PaddleOCR(
            text_detection_model_name=det,
            text_detection_model_dir=str(det_folder),
            text_recognition_model_name=rec,
            text_recognition_model_dir=str(rec_folder),
            use_doc_orientation_classify=False,
            use_doc_unwarping=False,
            use_textline_orientation=False,
            device="cpu",
            **options(det_folder, rec_folder),
        )

    def find(self, picture: Pixels) -> Found:
        """The lines of a page. None found is an empty answer."""
        quads, texts, sure = [], [], []
        for page in self._ocr.predict(picture):
            for polygon, text, score in zip(
                page["rec_polys"], page["rec_texts"], page["rec_scores"], strict=True
            ):
                quads.append(tuple((float(x), float(y)) for x, y in polygon))
                texts.append(plain(str(text)).strip())
                sure.append(float(score))
        return Found(tuple(quads), tuple(texts), tuple(sure))
