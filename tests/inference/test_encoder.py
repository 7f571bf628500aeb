"""A fine-tuned encoder behind the same port, shown with a tiny one of random weights."""

from datetime import date
from pathlib import Path

import pytest

from munshi.contracts.understanding import Request
from munshi.inference import InferenceSettings, load_understander

REASON = "munshi-inference[finetune] is not installed: PyPI has torch with CUDA only (3 GB)"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("transformers", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]  # torch's own, many


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of MuRIL's architecture, a thousandth of its size, with a tokenizer of its own."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel

    from munshi_inference.training.generator import sentences

    folder = tmp_path_factory.mktemp("base")
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.WordPieceTrainer(vocab_size=600, special_tokens=special)
    tokenizer.train_from_iterator((one.text for one in sentences(400, 5)), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=600, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config).save_pretrained(folder)
    return folder


async def test_it_learns_is_written_in_8_bits_and_reads_behind_the_port(base: Path, tmp_path: Path) -> None:
    import onnx

    from munshi_inference.training.finetune import Options, fine_tune

    few = Options(sentences=120, epochs=1, batch=16, learning_rate=5e-3, max_tokens=48)
    first = fine_tune(base, tmp_path / "1", few)
    more = Options(sentences=120, epochs=3, batch=16, learning_rate=5e-3, max_tokens=48)
    second = fine_tune(base, tmp_path / "2", more)
    assert second["loss"] < first["loss"]
    weights = onnx.load(str(tmp_path / "2" / "encoder.onnx")).graph.initializer
    assert any(weight.data_type == onnx.TensorProto.INT8 for weight in weights)
    assert second["kind"] == "encoder"
    engine = load_understander("nlu", InferenceSettings(nlu_model=tmp_path / "2"))
    texts = ["Ramesh ko 500 udhaar diya", "aaj ka total", "नमस्ते", "", "?", "x " * 400]
    for text in texts:
        found = await engine.understand(Request(text=text, today=date(2026, 11, 21), mask=True))
        assert found.text == text
        assert 0 <= found.confidence <= 1
