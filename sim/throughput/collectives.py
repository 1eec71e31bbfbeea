"""Seconds of the collectives of training, from bytes, ranks, bandwidth and latency."""


def ring(size: float, ranks: int, bandwidth: float, latency: float) -> float:
    """Reduce-scatter or all-gather of `size` bytes over a ring; an all-reduce is twice that.

    Each rank passes ``(k−1)/k`` of the buffer on in ``k−1`` messages (Thakur et al., 2005).

    Examples
    --------
    >>> ring(8e9, 8, 100e9, 0.0)
    0.07
    """
    if ranks < 2:
        return 0.0
    return (ranks - 1) / ranks * size / bandwidth + (ranks - 1) * latency


def hierarchical(
    size: float,
    ranks: int,
    local: int,
    fast: float,
    slow: float,
    latency: float,
) -> float:
    """Reduce-scatter or all-gather of `size` bytes in two rings, within nodes and across them.

    The `local` ranks of a node share the buffer out, then each passes its part on to the other
    nodes (Jia et al., 2018).

    Examples
    --------
    >>> round(hierarchical(8e9, 16, 8, 200e9, 50e9, 0.0), 3)  # 35 ms in the node, 10 ms across
    0.045
    """
    local = min(local, ranks)
    nodes = -(-ranks // local)
    within = ring(size, local, fast, latency)
    return within + ring(size / local, nodes, slow, latency)


def all_to_all(
    size: float,
    per_token: int,
    groups: int | None,
    ranks: int,
    local: int,
    fast: float,
    slow: float,
    latency: float,
) -> float:
    """Dispatch or combine of tokens between expert-parallel ranks.

    A token goes once to each remote node and is handed on within it, once to each chip; the time is
    that of the busier link (DeepSeek-V3, arXiv 2412.19437, §3.2.2). Without a limit the distinct
    nodes are those that `per_token` even draws would hit.

    Parameters
    ----------
    size : float
        Bytes of one copy of all the tokens a rank sends.
    per_token : int
        Experts a token visits.
    groups : int, optional
        Most groups of experts a token may be sent to, each on a node, or on a chip if all ranks
        share a node (node-limited routing).
    ranks, local : int
        Expert-parallel ranks, and how many of them share a node.
    fast, slow : float
        Bandwidth of a rank in the node and across nodes, bytes/s.

    Examples
    --------
    >>> all_to_all(1e9, 8, 4, 64, 8, 200e9, 40e9, 0.0)  # 3.5 of 4 copies are remote
    0.0875
    """
    if ranks < 2:
        return 0.0
    nodes = -(-ranks // local)
    copies = _distinct(ranks, per_token)
    if nodes == 1:
        copies = min(copies, groups or ranks)
    reached = min(groups, nodes) if groups else _distinct(nodes, per_token)
    # Of evenly spread copies, one in every `nodes` or `ranks` stays where it is.
    across = reached * (1 - 1 / nodes) * size / slow
    within = copies * (1 - 1 / ranks) * size / fast
    return max(across, within) + latency


def _distinct(places: int, draws: int) -> float:
    """Places that even draws hit at least once, on average (Feller I, ch. IX)."""
    return places * (1 - (1 - 1 / places) ** draws)
