"""The client's example notebook runs, cell for cell, against a live system."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from marketstream.testing import running_command

NOTEBOOK = Path(__file__).parents[1] / "libs" / "client" / "examples" / "predictions.ipynb"


@pytest.mark.timeout(300)
def test_the_notebook_plots_what_a_running_system_predicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook: Any = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    assert not any(cell.get("outputs") for cell in notebook.cells), "it is kept without outputs"
    with running_command(tmp_path, "--symbol", "BTC/USDT", "--horizon", "1") as live:
        live.wait_for("predictions", lambda: live.get("/predictions/BTC-USDT")[0] == 200, 180)
        live.wait_for("outcomes", lambda: bool(stretches(live)), 60)
        monkeypatch.setenv("REALTIME_API", f"http://127.0.0.1:{live.port}")
        monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
        assert live.stop()[0] == 0
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [one for one in outputs if "image/png" in one.get("data", {})]
    assert len(pictures) == 3
    assert outputs[-1]["data"]["text/plain"].count(":champion:") == 3


def stretches(live: Any) -> list[Any]:
    """What has come of predictions, of which one moved."""
    _, answer = live.get("/predictions/BTC-USDT/accuracy")
    return [one for one in answer["stretches"] if one["moved"]]
