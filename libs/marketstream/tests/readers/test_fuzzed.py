"""Files that fuzzing found: each is read or refused, and nothing else."""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path

import pytest

from marketstream.errors import InputError
from marketstream.readers import kind_of, read_trades
from marketstream.readers.candles import read_candles
from marketstream.recordings import read_frames

FINDINGS = [
    base64.b64decode(text)
    for text in (
        "b3Blbl90aW1lLG9wZW4saAAAAAAAAABcaGlnaCxsb3csY2xvc2Usdm9sdW1lCjE3MjMxNjEyNGNsb3Nl"
        "LHZvbHVtCjFlMzcyMTYxMjQwMDAwLDEsMywxLDIsNQo=",
        "//7///////8yAM4=",
        "UEsDBBQAAAAAAGNiel2jOBMOhgAAAIYAAAAIAAAAb25lLmpzb257ImUiOiJ0cmFkZSIsIkUiOjE3MjMxNjEyNTUz"
        "NDMsInMiOiJCVENVU0RUIiwidCI6MzczNTY4MzI1OSwicCKEIjYxODM3LjYzMDAwMDAwIiwicSI6IjAuMDIwMDAw"
        "MDAiLCJUIjoxNzIzMTYxMjU1MzQyLCJtIjp0cnVlLCJNIjp0cnVlfVBLAQIiAHAAIgAAAGNiel2jOBMOhgAAAIYA"
        "AAABAAAAAAAAAAAAAACAAQAAAABvbmUuanNvblBLBQYAAAAAAQABADYAAACsAAAAAAA=",
        "UEsDBBQAAAAAADliel3FB+QzVgAAAFYAAAAIAAAAb25lLmpzb24xLDYxODM3LjYzLDAuMDIsMTIzNi43NiwxNzIz"
        "MTYxMjU1MzQyLHRydWUsdHJ1ZQoyLDZlNCwxZS0zLDEsMTcyMzE2MTI1NTM0MyxGYWwTAAAAAAAAAHNlLFRydWUK"
        "UEsBAhQDFAAAAAAAOWJ6XcUH5DNWAAAAVgAAAAgAAAAAAAAAAAAA/////////wBuZS5qc29uUEsFBgAAAAABAAEA"
        "NgAAAHwAAAAAAA==",
        "UEsDBBQAAAAAAAAAhgAAAAgAAABvbmVUIjoxNzIzMTYxMjU1MyJCVEMtVVNEVCJlLCJNIjp0nHVlfVBLAQIUAxQA"
        "AAAAAGFiel2jOBMOhgAAAIYAAAAAAAAANQAAAAAAAACAAQAAAABvbmUuanNvblBLBQYAAAAAAQABADYAAACsAAAA"
        "AAA=",
        "MSw2ZS0xNzIzMTYxMjQwMDAwLDAuMDIsMTIzNi43NSwxNzIzMTYxMjU1MzQyLHRydWUsdHJ1ZQoyLDZlNCwxZS0z"
        "LDEsMTcyMzE2MTI1NTM0MyxGYWxzZSxUcnVlCg==",
        "b3Blbl90aW1lLG9wZW4saGlnaCxsb3csY2xvc2Usdm9sdW1lCjFlMTcyMzE2MTI0MDAwMCwxLDMsMSwyLDUK",
    )
]


@pytest.mark.parametrize("content", FINDINGS, ids=range(len(FINDINGS)))
def test_what_fuzzing_found_is_read_or_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "found"
    file.write_bytes(content)
    for read in (kind_of, lambda path: read_trades([path]), lambda path: read_candles([path])):
        with contextlib.suppress(InputError):
            read(file)
    with contextlib.suppress(InputError):
        list(read_frames([file]))
