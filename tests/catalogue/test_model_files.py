"""Models from their config.json, against the numbers that their makers publish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

import sim
from sim.catalogue.model_files import shape
from sim.cli.app import app
from sim.errors import InputError
from sim.scenario import load_case

KEYS = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "vocab_size")  # fmt: skip


def config(family: str, *numbers: int, **more: Any) -> dict[str, Any]:
    return {"model_type": family, **dict(zip(KEYS, numbers, strict=True)), **more}


def latent(family: str, *numbers: int, **more: Any) -> dict[str, Any]:
    heads = {"qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128}
    return config(family, *numbers, kv_lora_rank=512, moe_layer_freq=1, **heads, **more)


def qwen_moe(*numbers: int, width: int, experts: int = 128, **more: Any) -> dict[str, Any]:
    keys = {"moe_intermediate_size": width, "num_experts": experts, "num_experts_per_tok": 8}
    return config("qwen3_moe", *numbers, head_dim=128, decoder_sparse_step=1, **keys, **more)


V3 = latent(
    "deepseek_v3", 7168, 18432, 61, 128, 128, 129280, q_lora_rank=1536, n_routed_experts=256,
    n_shared_experts=1, num_experts_per_tok=8, first_k_dense_replace=3,
    moe_intermediate_size=2048, num_nextn_predict_layers=1, topk_group=4,
)  # fmt: skip
LITE = latent(
    "deepseek_v2", 2048, 10944, 27, 16, 16, 102400, q_lora_rank=None, n_routed_experts=64,
    n_shared_experts=2, num_experts_per_tok=6, first_k_dense_replace=1, moe_intermediate_size=1408,
)  # fmt: skip
V2 = latent(
    "deepseek_v2", 5120, 12288, 60, 128, 128, 102400, q_lora_rank=1536, n_routed_experts=160,
    n_shared_experts=2, num_experts_per_tok=6, first_k_dense_replace=1, moe_intermediate_size=1536,
)  # fmt: skip
SMALL_QWEN_MOE = config(
    "qwen2_moe", 2048, 5632, 24, 16, 16, 151936, moe_intermediate_size=1408, num_experts=60,
    num_experts_per_tok=4, shared_expert_intermediate_size=5632, decoder_sparse_step=1,
)  # fmt: skip
LLAMA = config("llama", 8192, 28672, 80, 64, 8, 128256)
QWEN = qwen_moe(4096, 12288, 94, 64, 4, 151936, width=1536)
MIXTRAL = {"num_local_experts": 8, "num_experts_per_tok": 2}

PUBLISHED = {
    "Llama 2 7B": (config("llama", 4096, 11008, 32, 32, 32, 32000), 6.74, 6.74),
    "Llama 3.1 8B": (config("llama", 4096, 14336, 32, 32, 8, 128256), 8.03, 8.03),
    "Llama 3.1 70B": (LLAMA, 70.6, 70.6),
    "Llama 3.1 405B": (config("llama", 16384, 53248, 126, 128, 8, 128256), 405.9, 405.9),
    "Qwen2.5 7B": (config("qwen2", 3584, 18944, 28, 28, 4, 152064), 7.62, 7.62),
    "Qwen2.5 72B": (config("qwen2", 8192, 29568, 80, 64, 8, 152064), 72.7, 72.7),
    "Qwen3 8B": (config("qwen3", 4096, 12288, 36, 32, 8, 151936, head_dim=128), 8.19, 8.19),
    "Qwen3 235B": (qwen_moe(4096, 12288, 94, 64, 4, 151936, width=1536), 235, 22),
    "Qwen3 30B": (qwen_moe(2048, 6144, 48, 32, 4, 151936, width=768), 30.5, 3.35),
    "Qwen1.5 MoE": (SMALL_QWEN_MOE, 14.3, 2.69),
    "Mixtral 8x7B": (config("mixtral", 4096, 14336, 32, 32, 8, 32000, **MIXTRAL), 46.7, 12.9),
    "Mixtral 8x22B": (config("mixtral", 6144, 16384, 56, 48, 8, 32768, **MIXTRAL), 140.6, 39.2),
    "DeepSeek-V2": (V2, 236, 21),
    "DeepSeek-V2 Lite": (LITE, 15.7, 2.45),
    "DeepSeek-V3": (V3, 671, 36.7),
    "Gemma 7B": (config("gemma", 3072, 24576, 28, 16, 16, 256000, head_dim=256), 8.54, 8.54),
    "Gemma 2 9B": (config("gemma2", 3584, 14336, 42, 16, 8, 256000, head_dim=256), 9.24, 9.24),
    "Gemma 2 27B": (config("gemma2", 4608, 36864, 46, 32, 16, 256000, head_dim=128), 27.2, 27.2),
}
"""Billions of parameters, and of those active for a token, as the model cards say."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_those_that_were_published(name: str, path: Path) -> None:
    data, total, active = PUBLISHED[name]
    path.write_text(json.dumps(data))
    found = shape(str(path))
    assert found.total / 1e9 == pytest.approx(total, rel=0.01)
    assert found.active / 1e9 == pytest.approx(active, rel=0.01)


def test_a_model_of_the_catalogue_is_the_same_from_its_file(path: Path) -> None:
    path.write_text(json.dumps(V3))
    changes = {"run.model": str(path), "run.model.sequence": 4096, "run.model.precision": "fp8"}
    ours = load_case("deepseek-v3").run.model
    theirs = load_case("deepseek-v3", changes).run.model
    assert theirs.parameters == pytest.approx(ours.parameters, rel=0.001)
    assert theirs.active_parameters == pytest.approx(ours.active_parameters, rel=0.001)
    assert ours.experts and theirs.experts
    assert theirs.experts.groups_per_token == 4
    same = ("layers", "hidden", "heads", "vocabulary", "attention", "attention_width",
            "key_value_width", "prediction_modules", "precision")  # fmt: skip
    assert [getattr(theirs, key) for key in same] == [getattr(ours, key) for key in same]


def test_a_file_lies_beside_the_scenario_that_names_it(path: Path, tmp_path: Path) -> None:
    path.write_text(json.dumps(V3))
    own = tmp_path / "own.yaml"
    model = "{like: config.json, sequence: 4096, precision: fp8}"
    own.write_text(f"like: deepseek-v3\nrun: {{model: {model}}}\n")
    assert sim.load_scenario(own).run.model.layers == 61


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"hidden_size": None}, "hidden_size is missing; a llama cannot be counted without"),
        (
            {"hidden_size": "8192"},
            "hidden_size must be a whole number from 1 to 1,000,000,000, not '8192'",
        ),
        ({"num_attention_heads": 0}, "num_attention_heads must be a whole number from 1"),
        ({"vocab_size": 10**400}, "vocab_size must be a whole number from 1 to 1,000,000,000"),
        ({"tie_word_embeddings": "false"}, "tie_word_embeddings cannot be 'false'"),
        ({"quantization_config": "fp8"}, "quantization_config cannot be 'fp8'"),
        ({"text_config": [1]}, "expected the keys of a model's config.json"),
        (QWEN | {"decoder_sparse_step": 0}, "decoder_sparse_step must be a whole number from 1"),
        (QWEN | {"mlp_only_layers": 3}, "mlp_only_layers cannot be 3"),
        (QWEN | {"num_experts_per_tok": 300}, "num_experts_per_tok is 300, of 128 experts"),
        (V3 | {"moe_layer_freq": 0}, "moe_layer_freq must be a whole number from 1"),
        (V3 | {"n_shared_experts": "1"}, "n_shared_experts must be a whole number from 0"),
        ({"model_type": "llma"}, "model_type 'llma' is not known (did you mean \"llama\"?)"),
        ({"model_type": "gemma2"}, "head_dim is missing; a gemma2 cannot be counted without"),
        ({"model_type": "mixtral"}, "num_local_experts is missing"),
    ],
)
def test_what_a_file_lacks_is_named(change: dict[str, Any], told: str, path: Path) -> None:
    path.write_text(json.dumps(LLAMA | change))
    with pytest.raises(InputError) as error:
        shape(str(path))
    assert told in str(error.value)
    assert "config.json" in str(error.value)


def test_what_no_file_says_is_asked_for(path: Path) -> None:
    path.write_text(json.dumps(LLAMA))
    with pytest.raises(
        InputError, match=r"run\.model\.sequence is missing: .*does not say it; write run\.model as"
    ):
        load_case("deepseek-v3", {"run.model": str(path)})


def test_how_a_file_is_read_is_shown(path: Path) -> None:
    path.write_text(json.dumps(V3))
    text = CliRunner().invoke(app, ["catalogue", "models", str(path)]).stdout
    assert "671.03 billion parameters, of which a token visits 36.63" in text
    assert "sequence: 4096" in text
    block = text.partition("could say it\n")[2].partition("not in the file")[0]
    said = YAML(typ="safe").load(block) | {"sequence": 4096}
    likes = {"like": str(path), "sequence": 4096}
    written, read = (load_case("deepseek-v3", {"run.model": model}) for model in (said, likes))
    assert vars(written.run.model) == vars(read.run.model)


@pytest.mark.parametrize(("family", "window"), [("mistral", 4096), ("llama", None)])
def test_a_window_of_all_layers_is_one_of_the_model(
    family: str, window: int | None, path: Path
) -> None:
    path.write_text(json.dumps(LLAMA | {"model_type": family, "sliding_window": 4096}))
    assert shape(str(path)).values["window"] == window


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_what_is_no_config_is_refused(text: str, path: Path) -> None:
    path.write_text(text)
    with pytest.raises(InputError, match=r"config\.json"):
        shape(str(path))
    path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        shape(str(path))
