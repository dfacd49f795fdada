"""Which services are started, and what is said where nobody can know."""

from __future__ import annotations

from pathlib import Path

import pytest

import manifest
from marketstream.errors import InputError
from realtime_bench.services import service_modules


def test_the_services_are_those_of_the_manifest_in_its_order() -> None:
    assert service_modules() == tuple(service.module for service in manifest.SERVICES)


def test_where_there_is_no_manifest_the_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"manifest\.yaml: no list of services .*make setup"):
        service_modules(tmp_path / "manifest.yaml")
