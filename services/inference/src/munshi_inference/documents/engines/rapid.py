"""PP-OCR models by rapidocr and onnxruntime: reads Latin script and digits, finds lines of any script.

The models lie inside rapidocr's wheel, or in a folder of one's own, and are named by their paths: rapidocr
fetches nothing then (`tests/documents/test_engines.py` sets a trap for it).
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from munshi_inference.documents.engines.rules import is_rule
from munshi_inference.documents.letters import plain
from munshi_inference.documents.pieces import Piece, Quad, upright

Pixels = npt.NDArray[np.uint8]
"""Rows, columns, blue-green-red."""

LONGEST_SIDE = 1_280
"""Pixels of the copy in which lines are looked for; they are read in the whole picture."""

NARROWEST = [3, 48, 96]
"""Channels, height and least width, in pixels, that a line is padded to before it is read. The model's own
320 costs half as much again and reads no better."""

DETECTOR = "*_det_*.onnx"
RECOGNISER = "*_rec_*.onnx"


@dataclass(frozen=True, slots=True)
class Found:
    """The lines of a page: their corners in the picture, what was read, how surely."""

    quads: tuple[Quad, ...]
    texts: tuple[str, ...]
    confidences: tuple[float, ...]

    def pieces(self) -> list[Piece]:
        """The same, turned level."""
        return upright(self.quads, self.texts, self.confidences)


def bundled_models() -> Path:
    """The folder of models inside the wheel. Raises ImportError without rapidocr."""
    import rapidocr

    return Path(rapidocr.__file__).parent / "models"


def _one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.rglob(pattern))
    if not found:
        raise FileNotFoundError(f"no {pattern} under {folder}")
    return found[-1]


class RapidEngine:
    """One set of models on one core. Not for several threads at once."""

    name = "rapidocr"

    def __init__(self, models: Path | None = None) -> None:
        """Loads the models (about a second).

        Raises:
            ImportError, FileNotFoundError: rapidocr or its models are not there.
        """
        import cv2
        from rapidocr import RapidOCR

        cv2.setNumThreads(1)
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        folder = models or bundled_models()
        self.model = _one(folder, RECOGNISER).stem
        engine = "EngineConfig.onnxruntime."
        self._ocr: Any = RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.use_cls": False,
                "Global.use_rec": False,  # after the rules are out
                "Global.text_score": 0.0,
                "Global.max_side_len": 10_000,
                "Det.model_path": str(_one(folder, DETECTOR)),
                "Det.limit_type": "max",
                "Det.limit_side_len": LONGEST_SIDE,
                "Rec.model_path": str(_one(folder, RECOGNISER)),
                "Rec.rec_batch_num": 1,
                "Rec.rec_img_shape": NARROWEST,
                engine + "intra_op_num_threads": 1,
                engine + "inter_op_num_threads": 1,
                engine + "enable_cpu_mem_arena": True,  # else half the time on large pages is the kernel's
            }
        )

    def find(self, picture: Pixels) -> Found:
        """The lines of a page, also those in which nothing could be read (another script): their text is
        empty. Rules are left out.

        The steps are called one by one because the whole call forgets lines without text, and reads rules.
        """
        from rapidocr.utils.process_img import map_boxes_to_original

        prepared, record = self._ocr.preprocess_img(picture)
        located, _, _, crops = self._ocr.run_ocr_steps(prepared, record)
        if located.boxes is None:
            return Found((), (), ())
        text = [index for index, crop in enumerate(crops) if not is_rule(crop)]
        if not text:
            return Found((), (), ())
        recognised = self._ocr.recognize_txt([crops[index] for index in text])
        height, width = picture.shape[:2]
        boxes = map_boxes_to_original(located.boxes[text], record, height, width)
        quads = tuple(tuple((float(x), float(y)) for x, y in box) for box in boxes)
        texts = tuple(plain(str(text)).strip() for text in recognised.txts)
        return Found(quads, texts, tuple(float(score) for score in recognised.scores))
