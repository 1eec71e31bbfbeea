"""A model's shape from the `config.json` of its checkpoint, as Hugging Face's libraries write it.

Parameters are counted matrix by matrix. What such a file never says is the length of sequences in
training; a scenario gives that beside it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sim import files
from sim.errors import InputError, in_file

DENSE = ("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3")
MIXTURES = ("mixtral", "qwen2_moe", "qwen3_moe")
LATENT = ("deepseek_v2", "deepseek_v3")
FAMILIES = (*DENSE, *MIXTURES, *LATENT)
WIDE_HEADS = ("gemma", "gemma2", "gemma3", "qwen3", "qwen3_moe")
"""Families whose heads are not the hidden size divided among them."""
NORMS = {"gemma2": 4, "gemma3": 4}
"""Of a layer, where they are not two."""
MOST = 1_000_000_000
"""No number of a model's shape is larger."""
MOST_BYTES = 1_000_000
"""No such file is larger; a checkpoint is not read by mistake."""
Value = TypeVar("Value", bool, list[int], dict[str, Any])


@dataclass(frozen=True)
class Shape:
    """What a file says of a model.

    Attributes
    ----------
    family : str
    values : dict
        Of the catalogue's models, all but the length of a sequence.
    counts : dict
        Parameters by part; of routed experts also those that a token visits.
    total, active : float
        Parameters, and those that a token visits as the makers count them: DeepSeek leaves out the
        input embedding, the others do not.
    """

    family: str
    values: dict[str, Any]
    counts: dict[str, float]
    total: float
    active: float


class Config:
    """The keys of a file.

    Parameters
    ----------
    path : str

    Raises
    ------
    InputError
        When it cannot be read, or is of a family that is not known.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        text = files.text(path, MOST_BYTES)
        try:
            data = json.loads(text)
        except ValueError as error:
            raise in_file(path, f"is no JSON ({error})") from None
        if isinstance(data, dict):
            # Models that also see or hear keep the transformer below a key of its own.
            data = data.get("text_config") or data
        if not isinstance(data, dict):
            raise in_file(path, "expected the keys of a model's config.json", given=data)
        self.data: dict[str, Any] = data
        self.family = str(self.data.get("model_type", "")).removesuffix("_text")
        if self.family not in FAMILIES:
            problem = f"{path}: model_type '{self.family}' is not known"
            raise InputError.no_such(
                problem, self.family, FAMILIES, listed="known", file=path
            )

    def known(self, key: str, default: Value) -> Value:
        """A value of the kind of its default, which null stands for too.

        Raises
        ------
        InputError
            When it is of another kind.
        """
        value = self.data.get(key)
        if value is None:
            return default
        if not isinstance(value, type(default)):
            raise in_file(self.path, f"{key} cannot be {value!r}", key=key, given=value)
        return value

    def number(self, key: str, default: int | None = None, least: int = 1) -> int:
        """A whole number.

        Raises
        ------
        InputError
            When it is missing and has no default, or is something else.
        """
        value = self.data.get(key)
        if value is None and default is not None:
            return default
        # True is of a kind of its own.
        if type(value) is not int or not least <= value <= MOST:
            problem = f"must be a whole number from {least} to {MOST:,}, not {value!r}"
            if value is None:
                problem = f"is missing; a {self.family} cannot be counted without"
            raise in_file(self.path, f"{key} {problem}", key=key, given=value)
        return value


def shape(path: str) -> Shape:
    """Read the shape of a model.

    Parameters
    ----------
    path : str
        Of its `config.json`.

    Raises
    ------
    InputError
        When the file cannot be used, or lacks what it takes to count.
    """
    config = Config(path)
    hidden = config.number("hidden_size")
    layers = config.number("num_hidden_layers")
    embedding = config.number("vocab_size") * hidden
    experts = _experts(config, hidden, layers)
    attention, widths = _attention(config, hidden)
    # Gemma keeps tables for input and output in one unless its file says otherwise.
    tied = config.known("tie_word_embeddings", config.family.startswith("gemma"))
    dense = layers - experts.layers
    counts: dict[str, float] = {
        "embedding": embedding,
        "output head": 0 if tied else embedding,
        "attention": layers * attention,
        "dense layers": dense * 3 * hidden * config.number("intermediate_size")
        if dense
        else 0,
        "shared experts and routers": experts.layers * experts.shared,
        "routed experts": experts.layers * experts.routed * experts.one,
        "norms": (layers * NORMS.get(config.family, 2) + 1) * hidden,
    }
    total = sum(counts.values())
    active = total - experts.layers * (experts.routed - experts.visited) * experts.one
    # A table in which a token is only looked up takes no part in its matrix products.
    products = active if tied else active - embedding
    values: dict[str, Any] = {
        "name": Path(path).parent.name or Path(path).stem,
        "title": f"{config.family} of {path}",
        "parameters": float(total),
        "active_parameters": float(products),
        "layers": layers,
        "hidden": hidden,
        "vocabulary": config.number("vocab_size"),
        "prediction_modules": config.number("num_nextn_predict_layers", 0, 0),
        "precision": _precision(config),
        # Of the other families only some layers have a window, or none unless it is said.
        "window": config.data.get("sliding_window") if config.family == "mistral" else None,
        **widths,
    }
    if experts.layers:
        values["experts"] = {
            "parameters": float(counts["routed experts"]),
            "count": experts.routed,
            "per_token": experts.visited,
            "groups_per_token": config.data.get("topk_group"),
            "dense_layers": dense,
        }
        counts["of these a token visits"] = experts.layers * experts.visited * experts.one
    told = products if config.family in LATENT else active
    return Shape(config.family, values, counts, total, told)


class Experts(NamedTuple):
    """The experts of a model: none where no layer has any."""

    layers: int = 0
    """Layers that have routed ones."""
    routed: int = 0
    """Routed ones of a layer."""
    visited: int = 0
    """Of these by a token."""
    one: int = 0
    """Parameters of one."""
    shared: int = 0
    """Parameters of a layer's shared ones and its router."""


def _attention(config: Config, hidden: int) -> tuple[int, dict[str, Any]]:
    """Parameters of a layer's attention, and the widths by which its work is counted."""
    heads = config.number("num_attention_heads")
    if config.family in LATENT:
        plain = config.number("qk_nope_head_dim")
        turned = config.number("qk_rope_head_dim")
        value = config.number("v_head_dim")
        latent = config.number("kv_lora_rank")
        query = heads * (plain + turned)
        queries = hidden * query
        # The smallest of them project queries at once: the file then says null.
        if "q_lora_rank" not in config.data:
            config.number("q_lora_rank")
        if config.data["q_lora_rank"] is not None:
            rank = config.number("q_lora_rank")
            queries = rank * (hidden + query + 1)
        keys = hidden * (latent + turned) + latent * (heads * (plain + value) + 1)
        count = queries + keys + heads * value * hidden
        return count, _widths(heads, "latent", query + heads * value, latent + turned)
    groups = config.number("num_key_value_heads", heads)
    wide = config.family in WIDE_HEADS
    size = config.number("head_dim", None if wide else hidden // heads)
    count = hidden * size * (2 * heads + 2 * groups)
    # Of the families here the second Qwen alone has biases, on queries, keys and values.
    if config.family.startswith("qwen2") or config.known("attention_bias", False):
        count += size * (heads + 2 * groups)
    if config.family.startswith(("qwen3", "gemma3")):
        count += 2 * size
    return count, _widths(heads, "causal", 2 * heads * size, 2 * groups * size)


def _widths(heads: int, attention: str, width: int, kept: int) -> dict[str, Any]:
    """What decides the work of attention, by its keys in the catalogue."""
    return {
        "heads": heads,
        "attention": attention,
        "attention_width": width,
        "key_value_width": kept,
    }


def _sparse_layers(config: Config, layers: int) -> int:
    """How many layers have routed experts."""
    if config.family in DENSE:
        return 0
    if config.family == "mixtral":
        return layers
    if config.family in LATENT:
        first = config.number("first_k_dense_replace", least=0)
        every = config.number("moe_layer_freq", 1)
        return sum(1 for layer in range(first, layers) if layer % every == 0)
    every = config.number("decoder_sparse_step", 1)
    without = config.known("mlp_only_layers", list[int]())
    return sum(
        1 for layer in range(layers) if layer not in without and (layer + 1) % every == 0
    )


def _experts(config: Config, hidden: int, layers: int) -> Experts:
    """The experts of the layers that have some."""
    sparse = _sparse_layers(config, layers)
    if not sparse:
        return Experts()
    width = "moe_intermediate_size"
    many = "num_experts"
    if config.family == "mixtral":
        width = "intermediate_size"
        many = "num_local_experts"
    elif config.family in LATENT:
        many = "n_routed_experts"
    one = 3 * hidden * config.number(width)
    count = config.number(many)
    shared = hidden * count
    if config.family in LATENT:
        shared += one * config.number("n_shared_experts", 0, 0)
    elif config.family == "qwen2_moe":
        shared += 3 * hidden * config.number("shared_expert_intermediate_size") + hidden
    visited = config.number("num_experts_per_tok")
    if visited > count:
        problem = f"num_experts_per_tok is {visited}, of {count} experts"
        raise in_file(config.path, problem, key="num_experts_per_tok", given=visited)
    return Experts(sparse, count, visited, one, shared)


def _precision(config: Config) -> str:
    quantised = config.known("quantization_config", dict[str, Any]())
    # Of what a checkpoint may be quantised to only FP8 is also trained in.
    return "fp8" if quantised.get("quant_method") == "fp8" else "bf16"
