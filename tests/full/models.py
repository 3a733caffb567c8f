"""
Small models made on the spot: the folders have the layout of the real ones, the weights are random or barely trained.

Their vectors and scores say nothing about quality; they prove that the code paths of the extra `full` run.
"""

import random
import string
from pathlib import Path

import torch
from sentence_transformers import CrossEncoder, SentenceTransformer
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizerFast

_OTHERS = "query why is cart checkout pod node waiting out of memory image not found the orchard : a".split()
_LETTERS = [f"{start}{letter}" for start in ("", "##") for letter in string.ascii_lowercase]
_VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(["killed", *_OTHERS, *_LETTERS])]


def tokenizer(folder: Path) -> BertTokenizerFast:
    """Write a tokenizer of a few words and all letters."""
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(_VOCABULARY))
    made = BertTokenizerFast(vocab=str(folder / "vocab.txt"), model_max_length=512)
    made.save_pretrained(folder)
    return made


def config(width: int, **fields) -> BertConfig:
    """Describe a model of one layer."""
    return BertConfig(
        vocab_size=len(_VOCABULARY),
        hidden_size=width,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=2 * width,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        **fields,
    )


def embedder(folder: Path, width: int, prompts: dict[str, str] | None = None) -> Path:
    """Write a SentenceTransformer of random weights whose vectors have `width` numbers, and give its folder."""
    torch.manual_seed(7)
    plain = folder.with_name(f"{folder.name}-plain")
    tokenizer(plain)
    BertModel(config(width)).save_pretrained(plain)
    # A folder without modules is read as such a model with mean pooling.
    SentenceTransformer(str(plain), prompts=prompts, device="cpu").save(str(folder))
    return folder


def cross_encoder(folder: Path, labels: int = 1) -> Path:
    """Write a CrossEncoder that was shown, for a second, that 'killed' in a candidate is good; give its folder."""
    torch.manual_seed(7)
    plain = folder.with_name(f"{folder.name}-plain")
    words = tokenizer(plain)
    model = BertForSequenceClassification(config(32, num_labels=labels))
    if labels == 1:
        _teach(model, words)
    model.save_pretrained(plain)
    CrossEncoder(str(plain), device="cpu").save_pretrained(str(folder))
    return folder


def _teach(model: BertForSequenceClassification, words: BertTokenizerFast) -> None:
    spread = random.Random(7)
    bad = [" ".join(spread.choices(_OTHERS, k=spread.randint(1, 30))) for _ in range(64)]
    good = [f"{text} killed {text}" for text in bad]
    pairs = words(["why is cart out"] * 128, good + bad, padding=True, return_tensors="pt")
    wanted = torch.tensor([1.0] * 64 + [0.0] * 64)
    steps = torch.optim.Adam(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(80):
        steps.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(model(**pairs).logits[:, 0], wanted).backward()
        steps.step()
    model.eval()
