"""What no key can say yet, and the nearest that can be said."""

import re

UNSAID = {
    r"(save|flush|write|checkpoint).*(fail|success|error|corrupt)|fail.*(save|flush|checkpoint)": (
        "a save that fails cannot be said; nearest: a longer checkpoint.interval"
    ),
    r"wrong|diagnos": (
        "a repair of the wrong node cannot be said; nearest: a stage of repair with success below "
        "1, or refail"
    ),
    r"(min|fewest|least).*(replica|rank|node|data)": (
        "the fewest replicas to go on with cannot be said; nearest: recovery.policy wait (all) or "
        "drop-replica (any)"
    ),
    r"join|grow|scale_(up|out)": (
        "nodes that join a running job cannot be said; nearest: cold_spares, deliveries, or a "
        "programme of runs"
    ),
    r"maintenance|planned": (
        "planned maintenance cannot be said; nearest: a cause with hardware false and a restart"
    ),
    r"window_|alternat": (
        "windows in some layers only cannot be said; nearest: the mean of what is seen as window"
    ),
    r"sliding|swa": "sliding windows are said by window, the tokens that are seen",
    r"tensor_?expert|etp": "tensor parallelism of experts alone is said by expert_tensor",
    r"hsdp|hybrid_?shard": "sharding over some ranks only cannot be said; nearest: zero 3 over all",
    r"fsdp|shard|zero_": "sharding is said by zero: 2 gradients, 3 weights too (FSDP)",
}
"""By a pattern of the keys that one would try."""


def unsaid(key: str) -> str:
    """What to say of an unknown key that means something that cannot be said, or nothing.

    Examples
    --------
    >>> unsaid("sliding_window")
    '; sliding windows are said by window, the tokens that are seen'
    >>> unsaid("chps")
    ''
    """
    found = (told for words, told in UNSAID.items() if re.search(words, key.lower()))
    told = next(found, "")
    return f"; {told}" if told else ""
