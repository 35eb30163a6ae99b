"""Small pretrained encoders for tests: a family's config with few units, random weights, a tokenizer of its own."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WIDTH, DEPTH, HEADS, LENGTH = 32, 4, 4, 64
TEXTS = (
    "the cat sat on the mat and slept",
    "a dog ran after the grey cat",
    "what is the name of the river that runs through the town",
    "who wrote the book about the sea and the old man",
    "this film is a slow and sad story , well told",
    "an awful , loud and empty film",
)


def tiny_encoder(folder: str | Path, family: str = "bert", texts: Sequence[str] | None = None, seed: int = 0) -> Path:
    """Write a checkpoint of random weights, 4 layers of 32 units, that reads at most 64 pieces.

    Args:
        family: one of `seqwright.data.checkpoint.FAMILIES`.
        texts: what its vocabulary is learned from; a few English sentences by default.

    Returns: the folder.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    from seqwright.nn.encoders import quiet

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer, special = _tokenizer(family, list(texts or TEXTS))
    with quiet():
        torch.manual_seed(seed)
        config = AutoConfig.for_model(family, vocab_size=tokenizer.get_vocab_size(), **_sizes(family), **special)
        model = AutoModel.from_config(config)
        with torch.no_grad():  # weights as small as a fresh model's would hide mistakes
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.1)
        model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": LENGTH}))
    return folder


def _sizes(family: str) -> dict[str, Any]:
    if family == "distilbert":
        return {"dim": WIDTH, "n_layers": DEPTH, "n_heads": HEADS, "hidden_dim": 64, "max_position_embeddings": LENGTH}
    if family == "xlnet":
        return {"d_model": WIDTH, "n_layer": DEPTH, "n_head": HEADS, "d_inner": 64}
    if family == "gpt2":
        return {"n_embd": WIDTH, "n_layer": DEPTH, "n_head": HEADS, "n_positions": LENGTH}
    sizes = {"hidden_size": WIDTH, "num_hidden_layers": DEPTH, "num_attention_heads": HEADS, "intermediate_size": 64}
    if family in ("llama", "mistral", "qwen2", "qwen3"):
        return sizes | {"num_key_value_heads": 2, "head_dim": WIDTH // HEADS, "max_position_embeddings": LENGTH}
    if family in ("roberta", "xlm-roberta", "camembert"):
        return sizes | {"max_position_embeddings": LENGTH + 2, "type_vocab_size": 1}
    return sizes | {"max_position_embeddings": LENGTH} | ({"embedding_size": 16} if family != "bert" else {})


def _tokenizer(family: str, texts: list[str]) -> tuple[Any, dict[str, int]]:
    """A tokenizer with the special pieces of its family in the places they have there."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    if family in ("gpt2", "llama", "mistral", "qwen2", "qwen3"):
        names = ["<|endoftext|>"] if family in ("gpt2", "qwen2", "qwen3") else ["<unk>", "<s>", "</s>"]
    elif family in ("roberta", "xlm-roberta", "camembert"):
        names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    elif family == "xlnet":
        names = ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>"]
    else:
        names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    if names[0] == "[PAD]":
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer()  # type: ignore
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()  # type: ignore
        trainer: Any = trainers.WordPieceTrainer(vocab_size=200, special_tokens=names, show_progress=False)
    else:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        trainer = trainers.BpeTrainer(
            vocab_size=400, special_tokens=names, initial_alphabet=alphabet, show_progress=False
        )
    tokenizer.train_from_iterator(texts, trainer)
    ids = {name: names.index(name) for name in names}
    single, pair, special = _template(family, ids)
    if single:
        used = [(name, ids[name]) for name in names if name in single + pair]
        tokenizer.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=used)  # type: ignore
    return tokenizer, special


def _template(family: str, ids: dict[str, int]) -> tuple[str, str, dict[str, int]]:
    if family in ("llama", "mistral"):
        return "<s> $A", "<s> $A <s>:1 $B:1", {"bos_token_id": ids["<s>"], "eos_token_id": ids["</s>"]}
    if family in ("gpt2", "qwen2", "qwen3"):
        return "", "", {"bos_token_id": 0, "eos_token_id": 0}
    if family == "xlnet":
        return "$A <sep> <cls>:2", "$A <sep> $B:1 <sep>:1 <cls>:2", {"pad_token_id": ids["<pad>"]}
    if "<s>" in ids:
        return "<s> $A </s>", "<s> $A </s> </s> $B </s>", {"pad_token_id": ids["<pad>"]}
    return "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", {"pad_token_id": ids["[PAD]"]}
