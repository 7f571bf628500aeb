"""A Whisper of random weights, made in a second: the plumbing of speech is tested with it where no weights
are at hand. It writes nonsense, in the shape of the real one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import whisper_spec
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

_WIDTH = 16
_BASE_TOKENS = 50_257
_LANGUAGES = (
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur "
    "hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si "
    "km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln "
    "ha ba jw su "
).split()
"""In Whisper's own order."""
_SEED = 7


def make_tiny_whisper(folder: Path) -> Path:
    """Writes `folder` as CTranslate2 keeps a Whisper: a layer on each side, 16 numbers wide, 0.7 MB."""
    tokenizer = _tokenizer()
    size = tokenizer.get_vocab_size()
    spec = whisper_spec.WhisperSpec(1, 1, 1, 1)
    _Weights(np.random.default_rng(_SEED), spec).fill(size)
    spec.register_vocabulary(
        [token for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda t: t[1])]
    )
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [220]
    first_language = _BASE_TOKENS + 2
    spec.config.lang_ids = list(range(first_language, first_language + len(_LANGUAGES)))
    spec.config.alignment_heads = [(0, 0)]
    spec.validate()
    spec.optimize(quantization="int8")
    folder.mkdir(parents=True)
    spec.save(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _tokenizer() -> Tokenizer:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate(letters)}
    vocabulary |= {f"w{number}": number for number in range(len(letters), _BASE_TOKENS)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in _marks()])
    return tokenizer


def _marks() -> Iterator[str]:
    yield from ("<|endoftext|>", "<|startoftranscript|>")
    yield from (f"<|{code}|>" for code in _LANGUAGES)
    yield from ("<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>")
    yield "<|notimestamps|>"
    yield from (f"<|{step * 0.02:.2f}|>" for step in range(1501))


class _Weights:
    """Fills a specification."""

    def __init__(self, numbers: np.random.Generator, spec: Any) -> None:
        self._numbers = numbers
        self._spec = spec

    def fill(self, vocabulary: int) -> None:
        """Every weight of encoder and decoder."""
        encoder, decoder, width = self._spec.encoder, self._spec.decoder, _WIDTH
        self._linear(encoder.conv1, width, 80, 3)
        self._linear(encoder.conv2, width, width, 3)
        encoder.position_encodings.encodings = self._random(1500, width)
        self._norm(encoder.layer_norm)
        for layer in encoder.layer:
            self._attention(layer.self_attention, cross=False)
            self._feed_forward(layer.ffn)
        decoder.embeddings.weight = self._random(vocabulary, width)
        decoder.projection.weight = decoder.embeddings.weight
        decoder.position_encodings.encodings = self._random(448, width)
        self._norm(decoder.layer_norm)
        for layer in decoder.layer:
            self._attention(layer.self_attention, cross=False)
            self._attention(layer.attention, cross=True)
            self._feed_forward(layer.ffn)

    def _random(self, *shape: int) -> Any:
        return self._numbers.normal(0, 0.02, shape).astype(np.float32)

    def _linear(self, part: Any, out: int, *taken: int) -> None:
        part.weight = self._random(out, *taken)
        part.bias = np.zeros(out, np.float32)

    def _norm(self, part: Any) -> None:
        part.gamma = np.ones(_WIDTH, np.float32)
        part.beta = np.zeros(_WIDTH, np.float32)

    def _feed_forward(self, part: Any) -> None:
        self._norm(part.layer_norm)
        self._linear(part.linear_0, 4 * _WIDTH, _WIDTH)
        self._linear(part.linear_1, _WIDTH, 4 * _WIDTH)

    def _attention(self, part: Any, *, cross: bool) -> None:
        self._norm(part.layer_norm)
        sizes = (_WIDTH, 2 * _WIDTH, _WIDTH) if cross else (3 * _WIDTH, _WIDTH)
        for linear, out in zip(part.linear, sizes, strict=True):
            self._linear(linear, out, _WIDTH)
