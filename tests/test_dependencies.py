"""Every dependency is one that we chose and may use."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/decisions/0002-dependencies.md").read_text()

ACCEPTED = re.compile(
    r"\b(MIT|BSD|Apache|ISC|0BSD|PSF|Python Software Foundation|MPL|Mozilla|Unlicense|PostgreSQL"
    r"|LGPL|Lesser General Public|Redistribution and use in source and binary forms)"
)
OWN = "leadmail"


def direct_dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"].values()
    lines = [*project["project"]["dependencies"], *(line for group in groups for line in group)]
    names = (re.match(r"[\w.-]+", line) for line in lines)
    return {name[0].lower() for name in names if name}


def licence_of(package: Distribution) -> str:
    """Return what a package says of its licence: a field, a classifier, else its own file."""
    fields = ("License-Expression", "License", "Classifier")
    values = [value for field in fields for value in package.metadata.get_all(field) or []]
    said = [value for value in values if "::" not in value or value.startswith("License")]
    if not any(said):
        files = [file for file in package.files or [] if "licenses/" in str(file)]
        said = [file.read_text() for file in files]
    return "\n".join(said)


def is_accepted(licence: str) -> bool:
    return ACCEPTED.search(licence) is not None


def test_every_direct_dependency_has_its_reason_on_the_page_and_no_other_has():
    named = set(re.findall(r"^\| ([a-z][\w.-]+) \| [\d.]", PAGE, re.MULTILINE))

    assert direct_dependencies() == named


def test_everything_installed_has_a_licence_that_we_accept():
    refused = {
        package.metadata["Name"]: licence_of(package)[:80]
        for package in distributions()
        if package.metadata["Name"] != OWN and not is_accepted(licence_of(package))
    }

    assert {} == refused


@pytest.mark.parametrize(
    ("accepted", "licence"),
    [
        (False, "GPL-3.0-only"),
        (False, "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"),
        (False, "GNU AFFERO GENERAL PUBLIC LICENSE"),
        (False, "SSPL-1.0"),
        (False, ""),
        (True, "LGPL-3.0-only"),
        (True, "MPL-1.1 OR GPL-2.0-or-later OR LGPL-2.1-or-later"),
        (True, "Redistributions ... 3-Clause BSD License"),
    ],
)
def test_what_would_bind_the_whole_service_is_refused(accepted, licence):
    assert accepted == is_accepted(licence)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_every_package_with_hashes_and_no_place_to_fetch_from(lock):
    text = (ROOT / lock).read_text()
    packages = re.findall(r"^[a-z][^ ]*==[^\n]*(?:\n +--hash=[^\n]*)*", text, re.MULTILINE)

    assert len(packages) > 40
    assert all("--hash=sha256:" in package for package in packages)
    assert not re.search(r"https?://|--index|--find-links", text)
