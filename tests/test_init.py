"""The public face of the package."""

import pytest

import sim


def test_every_public_name_is_listed_and_there() -> None:
    assert dir(sim) == sorted(sim.__all__)
    assert [name for name in sim.__all__ if not callable(getattr(sim, name))] == []


def test_no_other_name_is_there() -> None:
    with pytest.raises(AttributeError, match="module 'sim' has no attribute 'simulat'"):
        sim.simulat  # noqa: B018
