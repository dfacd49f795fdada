"""What is made of services/manifest.yaml is written where it belongs, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

import dockerfiles
import lists
import manifest

TEXT = """\
before: 1
  # made by make render: two words
  old: 1
  # end
between: 2
<!-- made by make render: page -->
old
<!-- end -->
after: 3
"""


def test_what_is_between_the_marks_is_written_at_their_margin_and_the_rest_stays() -> None:
    made = lists.filled(TEXT, {"two words": lambda: "a: 1\nb: 2", "page": lambda: "| new |"})
    assert made.splitlines() == [
        "before: 1",
        "  # made by make render: two words",
        "  a: 1",
        "  b: 2",
        "  # end",
        "between: 2",
        "<!-- made by make render: page -->",
        "| new |",
        "<!-- end -->",
        "after: 3",
    ]


def test_a_block_that_nothing_is_known_of_is_refused() -> None:
    with pytest.raises(KeyError, match="page"):
        lists.filled(TEXT, {"two words": lambda: ""})


def test_every_block_that_is_known_stands_in_its_file() -> None:
    for name, contents in lists.BLOCKS.items():
        text = (manifest.ROOT / name).read_text()
        assert [each for each in contents if f" made by make render: {each}" not in text] == []


def test_a_word_of_a_template_that_means_nothing_is_refused() -> None:
    with pytest.raises(KeyError, match="nonsense"):
        dockerfiles.filled("FROM <nonsense>", manifest.SERVICES[0])


def test_an_entry_with_a_misspelt_or_missing_field_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text("- {name: trades, prot: 9101}")
    with pytest.raises(ValueError, match=r"manifest\.yaml: trades: .*'prot'"):
        manifest.load(path)
    path.write_text("- {name: trades}")
    with pytest.raises(ValueError, match=r"trades: .*missing.*'port'"):
        manifest.load(path)
