"""Ports of test servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketstream.testing import free_port

OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


@pytest.mark.skipif(not OUTGOING.exists(), reason="not on Linux")
def test_a_servers_port_is_none_that_an_outgoing_connection_is_given() -> None:
    first, last = map(int, OUTGOING.read_text().split())
    assert not any(first <= free_port() <= last for _ in range(100))
