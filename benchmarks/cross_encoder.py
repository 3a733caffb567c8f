"""Measure how long the cross encoder of the full profile takes for the candidates of one question.

Usage: .venv-full/bin/python benchmarks/cross_encoder.py [MODEL_DIR] [--candidates 40] [--tokens 64,128] [--repeats 3]

Without MODEL_DIR a model with the architecture of bge-reranker-v2-m3 (XLM-RoBERTa large: 24 layers, 1024 wide, 568
million numbers) is made with random weights: what it takes is real, what it scores means nothing. Its tokenizer makes
one token of a word, so that pairs have the length asked for. Scored by kfi's own classes, in fp16 on a GPU and fp32
without one; then once more with the deadline of the settings, to show which order an answer would have had.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kfi.config import Settings
from kfi.embeddings.torch_door import full_part, has_gpu
from kfi.retrieval.cross_encoder import CrossEncoderScorer
from kfi.retrieval.deadline import DeadlineScorer
from kfi.retrieval.features import FeatureScorer
from kfi.retrieval.reranker import Candidate

_WORDS = [f"word{number}" for number in range(2_000)]
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
_QUESTION_WORDS = 12
# Beside the words of question and candidate: one mark before, two between, one after.
_MARKS = 4


def made(folder: Path) -> Path:
    """Write a reranker of the real architecture with random weights, and give its folder."""
    transformers, tokenizers = full_part("transformers"), full_part("tokenizers")
    vocabulary = {word: number for number, word in enumerate((*_SPECIAL, *_WORDS))}
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    words.post_processor = tokenizers.processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    special = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>"}
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", unk_token="<unk>", model_max_length=8192, **special
    ).save_pretrained(folder)
    transformers.XLMRobertaForSequenceClassification(_architecture(transformers)).save_pretrained(folder)
    return folder


def _architecture(transformers: Any) -> Any:
    """Give what BAAI/bge-reranker-v2-m3 says of itself in its config.json."""
    return transformers.XLMRobertaConfig(
        vocab_size=250_002,
        hidden_size=1024,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=4096,
        max_position_embeddings=8194,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        num_labels=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )


def candidates(count: int, tokens: int) -> list[Candidate]:
    """Give candidates that are `tokens` long together with the question."""
    length = tokens - _QUESTION_WORDS - _MARKS
    texts = ([_WORDS[(at + number * 7) % len(_WORDS)] for at in range(length)] for number in range(count))
    return [Candidate(text=" ".join(text)) for text in texts]


def show(scorer: CrossEncoderScorer, counts: Sequence[int], tokens: Sequence[int], repeats: int) -> None:
    """Print a row for each number and length of candidates."""
    question, deadline = " ".join(_WORDS[-_QUESTION_WORDS:]), Settings().reranker_deadline_s
    features = FeatureScorer()
    print("| candidates | tokens a pair | ms (median) | ms a pair | within the deadline |\n|---|---|---|---|---|")
    for count in counts:
        for length in tokens:
            given, spent = candidates(count, length), []
            for _ in range(repeats):
                begun = time.perf_counter()
                scorer.scores(question, given)
                spent.append((time.perf_counter() - begun) * 1000)
            begun = time.perf_counter()
            kept = DeadlineScorer(scorer, deadline).scores(question, given) != features.scores(question, given)
            late = (time.perf_counter() - begun) * 1000
            said = "the model's order" if kept else "the features' order"
            middle = statistics.median(spent)
            print(f"| {count} | {length} | {middle:,.0f} | {middle / count:.1f} | {said}, {late:,.0f} ms |", flush=True)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?", help="folder of a cross encoder; without it one is made")
    parser.add_argument("--candidates", type=_numbers, default=[4, 40])
    parser.add_argument("--tokens", type=_numbers, default=[64, 128])
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    torch = full_part("torch")
    where = torch.cuda.get_device_name(0) if has_gpu() else f"{os.cpu_count()} cores of {platform.machine()}, no GPU"
    print(f"PyTorch {torch.__version__}; {where}", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.model or made(Path(temporary) / "reranker")
        scorer = CrossEncoderScorer(folder, folder.name)
        scorer.warm_up()
        show(scorer, args.candidates, args.tokens, args.repeats)
    return 0


if __name__ == "__main__":
    sys.exit(main())
