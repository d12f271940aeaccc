"""What programs are promised: every golden document is what its schema says."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).parents[2]
SCHEMAS = {
    schema["title"]: schema
    for schema in (json.loads(path.read_text()) for path in (ROOT / "docs").glob("*.schema.json"))
}
GOLDEN = sorted((ROOT / "tests/golden").rglob("*.json"))


def test_there_are_goldens_of_every_schema() -> None:
    kinds = {json.loads(path.read_text())["schema"] for path in GOLDEN}
    assert kinds == set(SCHEMAS)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_golden(path: Path) -> None:
    document = json.loads(path.read_text())
    jsonschema.Draft202012Validator(SCHEMAS[document["schema"]]).validate(document)


@pytest.mark.parametrize("title", SCHEMAS)
def test_schema_is_strict(title: str) -> None:
    """Every field is always there, and there are no others."""
    waiting: list[object] = [SCHEMAS[title]]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
            if "properties" in part and "required" in part:
                assert part["additionalProperties"] is False
                assert set(part["required"]) == set(part["properties"])
