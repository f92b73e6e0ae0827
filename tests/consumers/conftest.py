"""The bookshop's recording with its what-ifs, and the programs that `make consumers` installed."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from purchases import the_purchase


class Tools:
    """Programs of the throwaway folder. A test that asks for what is not there skips and says what to do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def node(self, name: str) -> str:
        return self._there(self.folder / "node_modules" / ".bin" / name)

    def python(self, name: str) -> str:
        return self._there(self.folder / "python" / "bin" / name)

    def debian(self, name: str) -> str:
        return shutil.which(name) or self._there(self.folder / "debian" / "bin" / name)

    def plantuml(self) -> list[str]:
        """The words that start it: the program of this machine, or the throwaway folder's file for Java."""
        if found := shutil.which("plantuml"):
            return [found]
        return [
            self.system("java"),
            "-Djava.awt.headless=true",
            "-jar",
            self._there(self.folder / "debian" / "plantuml.jar"),
        ]

    def package(self, name: str) -> str:
        return self._there(self.folder / "node_modules" / name)

    def system(self, name: str) -> str:
        found = shutil.which(name)
        return found or pytest.skip(f"{name} is not installed on this machine")

    def _there(self, file: Path) -> str:
        return str(file) if file.exists() else pytest.skip(f"{file.name} is not installed: make consumers")


@pytest.fixture(scope="session")
def tools():
    folder = os.environ.get("GATEWAY_CONSUMERS")
    if not folder:
        pytest.skip("programs of others read our files in `make consumers`, which installs them first")
    return Tools(Path(folder).absolute())


@pytest.fixture(scope="session")
def purchase(tools, tmp_path_factory):
    """(recordings, what lies beside them): the purchase, then its what-ifs."""
    return asyncio.run(the_purchase(tmp_path_factory.mktemp("purchase")))
