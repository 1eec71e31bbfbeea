"""Names of keys and of unknown constants as one would say them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from sim.scenario import Pool

WORDS = {
    ".rate_factor": "how often nodes fail ({})",
    ".drift": "how often they fail later ({})",
    ".per_1000_node_days": "failure rate ({})",
    ".kernel_efficiency": "kernel efficiency ({})",
    ".tensor_overlap": "hidden tensor-parallel traffic ({})",
    ".overlap": "hidden communication ({})",
    ".experts": "speed of expert layers ({})",
    ".matrix_traffic": "memory traffic of matrices",
    ".model_error": "error of the step-time model",
    "constants.residual": "error of the step-time model",
    "checkpoint.interval": "checkpoint interval",
    "checkpoint.blocking": "stop at a checkpoint",
    "checkpoint.load": "time to load a checkpoint",
    "recovery.policy": "what to do without spares",
    ".step_noise": "noise of step times",
    "runs.chips": "chips of the first run",
    "runs.growth": "yearly growth of the need",
    "research": "share held for research",
    ".cold_spares": "spare nodes ({})",
    "outlook.shares.run": "part of its owner's chips that one run has",
    ".growth": "yearly growth of the need ({})",
    ".flop": "compute of a model ({})",
    "mixing.efficiency": "what mixing leaves of the sum",
    "grey-source": "which source is right on the grey market",
    ".premium": "price on the grey market ({})",
    ".trickle": "grey flow after a control ({})",
    ".abroad": "flow abroad after a control ({})",
    ".scale": "how many chips come ({})",
    "world.china": "China's share of the world's sales",
    ".owner": "share of the largest owner ({})",
    ".owner_abroad": "share of the largest owner abroad ({})",
    ".run": "one run's share of a fleet ({})",
    ".inference": "share of inference ({})",
    ".of_year": "one run's share of a year ({})",
    ".good": "share of packaged chips that work",
    ".stacks": "memory stacks of a chip ({})",
    ".maturity": "maturity of the software ({})",
    ".permanent": "share of failures for good ({})",
    ".server_multiplier": "price of a server over its chips",
    ".power_multiplier": "power of a server over its chips",
    ".pue": "power of a site over its servers",
}
"""By how a name ends; the braces are for what it is a constant of."""


def plain(name: str) -> str:
    """The name of an unknown constant, or of a key, as one would say it.

    Examples
    --------
    >>> plain("chips.Hopper-SXM.kernel_efficiency"), plain("checkpoint.interval")
    ('kernel efficiency (Hopper-SXM)', 'checkpoint interval')
    >>> plain("constants.residual.H800-SXM-80.hai-llm"), plain("fabrics.dedicated.share")
    ('error of the step-time model (H800-SXM-80)', 'share (dedicated)')
    """
    *before, last = name.split(".")
    holder = before[-1] if before else ""
    if "residual" in before:
        return f"error of the step-time model ({holder})"
    for end, words in WORDS.items():
        if name.endswith(end):
            return words.format(holder)
    words = last.replace("_", " ")
    return f"{words} ({holder})" if holder else words


def pool_titles(fleet: Mapping[str, Pool]) -> dict[str, str]:
    """What each pool is called: its chip, with its own name where others have that chip too.

    Examples
    --------
    >>> from sim import load_scenario
    >>> pool_titles(load_scenario("deepseek-v3").fleet)
    {'good': 'H800-SXM-80'}
    """
    chips = {name: pool.chip.name for name, pool in fleet.items()}
    alike = Counter(chips.values())
    return {
        name: chip if alike[chip] == 1 else f"{chip} ({name})" for name, chip in chips.items()
    }


def listed(words: Iterable[str]) -> str:
    """Words as a list in a sentence.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last
