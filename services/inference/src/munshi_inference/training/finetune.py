"""Fine-tunes an encoder (IndicBERT, MuRIL, any BERT with a fast tokenizer) for the Ledger's understanding:
`python -m munshi_inference.training.finetune BASE OUT`.

BASE is a folder with the encoder's weights and `tokenizer.json`; nothing is fetched. OUT becomes a version of
the model: network (ONNX, 8 bits), tokenizer, card. Serve it by MUNSHI_NLU_MODEL=OUT. Needs
`munshi-inference[finetune]`.
"""

import argparse
import json
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from munshi_inference.nlu.encoder import KIND, NETWORK_FILE, TOKENIZER_FILE
from munshi_inference.nlu.repository import CARD_FILE, MODEL_NAME
from munshi_inference.training.train import CATEGORIES, INTENTS, LANGUAGES, Example, examples

_NO_LABEL = -100
"""What the loss passes over: sub-words after a word's first, and what is no word."""


@dataclass(frozen=True, slots=True)
class Options:
    """How it is trained. The defaults suit an encoder of 100 to 240 million weights on one GPU."""

    sentences: int = 100_000
    epochs: int = 2
    batch: int = 64
    learning_rate: float = 3e-5
    max_tokens: int = 96
    seed: int = 20261121


def labels_of(data: Sequence[Example]) -> tuple[str, ...]:
    """All labels of units, `O` first."""
    found = {label for example in data for label in example.labels}
    return ("O", *sorted(found - {"O"}))


def network(encoder: Any, labels: int) -> Any:
    """The encoder with four questions on top: a label a token; intent, category and language of the whole."""
    import torch

    class Ledger(torch.nn.Module):  # type: ignore[misc]  # torch is no part of the checks
        def __init__(self) -> None:
            super().__init__()
            width = encoder.config.hidden_size
            self.encoder = encoder
            self.tags = torch.nn.Linear(width, labels)
            sizes = (len(INTENTS), len(CATEGORIES), len(LANGUAGES))
            self.heads = torch.nn.ModuleList(torch.nn.Linear(width, size) for size in sizes)

        def forward(self, input_ids: Any, attention_mask: Any) -> tuple[Any, ...]:
            seen = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            whole = seen[:, 0]
            return (self.tags(seen), *(head(whole) for head in self.heads))

    return Ledger()


def batches(
    data: Sequence[Example], tokenizer: Any, labels: Sequence[str], options: Options, seed: int
) -> Iterator[tuple[Any, Any, tuple[Any, ...]]]:
    """Ids, mask and targets (labels of tokens, intent, category, language), in an order of their own."""
    import torch

    order = [example for example in data if example.reading.units]
    random.Random(seed).shuffle(order)
    number = {label: index for index, label in enumerate(labels)}
    for start in range(0, len(order), options.batch):
        chosen = order[start : start + options.batch]
        words = [[unit.text for unit in example.reading.units] for example in chosen]
        encodings = tokenizer.encode_batch(words, is_pretokenized=True)
        tags = [
            _of_tokens(encoding.word_ids, [number[label] for label in example.labels])
            for encoding, example in zip(encodings, chosen, strict=True)
        ]
        targets = (
            [INTENTS.index(example.sentence.intent) for example in chosen],
            [_category(example) for example in chosen],
            [LANGUAGES.index("en" if example.sentence.writing == "en" else "hi") for example in chosen],
        )
        yield (
            torch.tensor([encoding.ids for encoding in encodings]),
            torch.tensor([encoding.attention_mask for encoding in encodings]),
            (torch.tensor(tags), *(torch.tensor(target) for target in targets)),
        )


def _category(example: Example) -> int:
    several = example.sentence.category == "several"
    return _NO_LABEL if several else CATEGORIES.index(example.sentence.category)


def _of_tokens(words: Sequence[int | None], labels: Sequence[int]) -> list[int]:
    found, before = [], None
    for word in words:
        found.append(_NO_LABEL if word is None or word == before else labels[word])
        before = word
    return found


def fit(
    model: Any, data: Sequence[Example], tokenizer: Any, labels: Sequence[str], options: Options
) -> float:
    """Trains it; the last epoch's mean loss."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.learning_rate)
    summed = torch.nn.CrossEntropyLoss(ignore_index=_NO_LABEL, reduction="sum")

    def loss_of(logits: Any, target: Any) -> Any:
        return summed(logits, target) / max(1, int((target != _NO_LABEL).sum()))

    mean = 0.0
    for epoch in range(options.epochs):
        losses = []
        for ids, mask, targets in batches(data, tokenizer, labels, options, options.seed + epoch):
            tags, *heads = model(ids.to(device), mask.to(device))
            loss = loss_of(tags.flatten(0, 1), targets[0].to(device).flatten())
            for head, target in zip(heads, targets[1:], strict=True):
                loss = loss + loss_of(head, target.to(device))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
        mean = sum(losses) / len(losses)
    model.to("cpu").eval()
    return mean


def export(model: Any, file: Path, max_tokens: int) -> None:
    """Writes the network as ONNX with weights of 8 bits."""
    import onnx
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        ids = torch.ones((2, min(8, max_tokens)), dtype=torch.int64)
        axes = {"input_ids": {0: "batch", 1: "tokens"}, "attention_mask": {0: "batch", 1: "tokens"}}
        torch.onnx.export(
            model,
            (ids, torch.ones_like(ids)),
            str(whole),
            input_names=list(axes),
            output_names=["tags", "intent", "category", "language"],
            dynamic_shapes={
                name: {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC} for name in axes
            },
            dynamo=True,
            external_data=False,
        )
        # The shapes that the exporter noted hold no longer once it has folded weights; they are found anew.
        graph = onnx.load(str(whole))
        del graph.graph.value_info[:]
        onnx.save(graph, str(whole))
        quantize_dynamic(str(whole), str(file), weight_type=QuantType.QInt8)


def fine_tune(base: Path, folder: Path, options: Options) -> dict[str, Any]:
    """Makes a version of the model in `folder`; returns its card."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModel

    torch.manual_seed(options.seed)
    folder.mkdir(parents=True, exist_ok=True)
    data = examples(options.sentences, options.seed)
    labels = labels_of(data)
    shutil.copy(base / TOKENIZER_FILE, folder / TOKENIZER_FILE)
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    tokenizer.enable_truncation(options.max_tokens)
    tokenizer.enable_padding()
    model = network(AutoModel.from_pretrained(base, local_files_only=True), len(labels))
    loss = fit(model, data, tokenizer, labels, options)
    export(model, folder / NETWORK_FILE, options.max_tokens)
    card = {
        "name": MODEL_NAME,
        "kind": KIND,
        "base": base.name,
        "intents": INTENTS,
        "categories": CATEGORIES,
        "languages": LANGUAGES,
        "labels": labels,
        "max_tokens": options.max_tokens,
        "loss": loss,
        "options": asdict(options),
    }
    (folder / CARD_FILE).write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return card


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path, help="folder of the encoder")
    parser.add_argument("out", type=Path, help="folder of the new version, named by its number")
    defaults = Options()
    for name, value in asdict(defaults).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    given = vars(parser.parse_args(arguments))
    base, out = given.pop("base"), given.pop("out")
    card = fine_tune(base, out, Options(**given))
    print(f"{out}: loss {card['loss']:.3f}")  # noqa: T201 (a program for people)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
