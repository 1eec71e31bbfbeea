"""Hot spares in their order, against a plain list of which the first stand by inside the job."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from sim.engine.hot_spares import HotSpares

moves = st.lists(
    st.tuples(
        st.sampled_from(["append", "inside", "next", "last", "any", "stand"]), st.integers(0, 9)
    )
)


@given(st.integers(0, 6), moves)
def test_they_come_and_go_as_in_a_list(first, asked):
    line = list(range(first))
    inside = 0
    spares = HotSpares(line)
    for new, (move, number) in enumerate(asked, 100):
        place = number % max(len(line), 1)
        if move == "append":
            line.append(new)
            spares.append(new)
        elif move == "inside":
            line.insert(inside, new)
            inside += 1
            spares.append(new, inside=True)
        elif move == "stand":
            inside = max(inside, min(number, len(line)))
            spares.stand_by(number)
        elif line:
            place = {"next": 0, "last": len(line) - 1, "any": place}[move]
            node = line.pop(place)
            inside -= place < inside
            if move == "next":
                assert spares.popleft() == node
            elif move == "last":
                assert spares.pop() == node
            else:
                spares.remove(node)
        assert list(spares.inside) == line[:inside]
        assert len(spares) == len(line)
    assert [spares.popleft() for _ in line] == line


def test_one_of_a_million_leaves_as_fast_as_one_of_ten():
    spares = HotSpares(range(1_000_000))
    start = time.process_time()
    for node in range(500_000, 510_000):
        spares.remove(node)
    # Searched for, each would take five milliseconds.
    assert time.process_time() - start < 1.0
    assert len(spares) == 990_000
