"""The rules for a training set as suites of Great Expectations, run at checkpoints.

This is the only module that imports Great Expectations, which takes seconds: a process that
trains calls `load` when it has nothing else to do.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Any

from predictor.gates.profile import Profile
from predictor.gates.rules import Rule


def is_loaded() -> bool:
    """Say whether Great Expectations has been imported."""
    return "great_expectations" in sys.modules


def load() -> Any:
    """Import Great Expectations, and have it ask nobody on the network and tell only warnings."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it imports what Python has deprecated
        _quieten()
        import great_expectations as gx
    _quieten()  # also those of its loggers that set a level of their own
    return gx


def _quieten() -> None:
    """Have its loggers tell no more than warnings: they tell each function they register."""
    for name in ("great_expectations", *logging.Logger.manager.loggerDict):
        if name.partition(".")[0] == "great_expectations":
            logging.getLogger(name).setLevel(logging.WARNING)


def validate(found: Profile, rules: Sequence[Rule]) -> tuple[list[str], Callable[[Path], None]]:
    """Return the names of the rules that a profile breaks, and what writes Data Docs in a folder.

    That raises OSError where they cannot be written.
    """
    context = load().get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    tables = dict.fromkeys(rule.table for rule in rules)
    broken = [
        name
        for table in tables
        for name in _broken(context, table, found, [r for r in rules if r.table == table])
    ]
    return broken, lambda docs: _write(context, docs)


def _broken(context: Any, table: str, found: Profile, rules: Sequence[Rule]) -> list[str]:
    """Run the suite of one table at its checkpoint."""
    gx = load()
    columns = found.table(rules[0].table)
    expectations = [_expectation(gx.expectations, rule) for rule in rules]
    asset = context.data_sources.add_pandas(table).add_dataframe_asset(table)
    validation = gx.ValidationDefinition(
        name=table,
        data=asset.add_batch_definition_whole_dataframe(table),
        suite=context.suites.add(gx.ExpectationSuite(table, expectations=expectations)),
    )
    checkpoint = gx.Checkpoint(
        name=table,
        validation_definitions=[context.validation_definitions.add(validation)],
        result_format={
            "result_format": "SUMMARY",
            "unexpected_index_column_names": [next(iter(columns))],
        },
    )
    frame = import_module("pandas").DataFrame(columns)
    done = context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": frame})
    return [
        result.expectation_config.meta["rule"]
        for outcome in done.run_results.values()
        for result in outcome.results
        if not result.success
    ]


def _expectation(expect: Any, rule: Rule) -> Any:
    about = {"column": rule.column, "mostly": rule.mostly, "meta": {"rule": rule.name}}
    if rule.kind == "unique":
        return expect.ExpectColumnValuesToBeUnique(**about)
    if rule.kind == "known":
        return expect.ExpectColumnValuesToNotBeNull(**about)
    if rule.kind == "contains":
        return expect.ExpectColumnDistinctValuesToContainSet(
            column=rule.column, value_set=list(rule.values), meta=about["meta"]
        )
    if rule.kind == "not below":
        return expect.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=rule.column, column_B=rule.other, or_equal=True, mostly=rule.mostly,
            ignore_row_if="either_value_is_missing", meta=about["meta"],
        )  # fmt: skip
    limits = {"min_value": rule.least, "max_value": rule.most}
    return expect.ExpectColumnValuesToBeBetween(
        **about,
        **{name: limit for name, limit in limits.items() if isfinite(limit)},
        strict_min=rule.kind == "above",
    )


def _write(context: Any, docs: Path) -> None:
    context.add_data_docs_site(
        "data_docs",
        {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(docs),
            },
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        },
    )
    context.build_data_docs(["data_docs"])
    for picture in docs.glob("static/images/*.gif"):  # of a walkthrough that is not shown
        picture.unlink()
