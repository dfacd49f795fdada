"""No module of the predictor imports another that imports it, however far around."""

from __future__ import annotations

from graphlib import TopologicalSorter

import grimp


def test_modules_import_each_other_in_one_direction() -> None:
    graph = grimp.build_graph("predictor", cache_dir=None)
    order = TopologicalSorter(
        {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    )
    order.prepare()  # CycleError names the modules of a cycle
    assert "predictor.training.child" in graph.modules
