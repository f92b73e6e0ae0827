"""Installs two real dev servers, Vite's and Angular's, into a folder that may be thrown away.

`python tests/frontends/install.py FOLDER` (make browsers). Nothing of it is needed to run the gateway or `make test`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ANGULAR = "20.3.35"
NODE = {
    "vite": "7.3.8",
    "@angular/build": "20.3.41",
    "@angular/cli": "20.3.43",
    "@angular/common": ANGULAR,
    "@angular/compiler": ANGULAR,
    "@angular/compiler-cli": ANGULAR,
    "@angular/core": ANGULAR,
    "@angular/platform-browser": ANGULAR,
    "rxjs": "7.8.2",
    "tslib": "2.8.1",
    "typescript": "5.9.3",
}


def main(folder: Path) -> int:
    """Exit code 0 also where something is missing: the tests that need it skip and say so."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / "package.json"
    text = json.dumps({"private": True, "dependencies": NODE}, indent=2)
    if not shutil.which("npm"):
        print("npm is missing: the tests behind dev servers will skip")
    elif not wanted.exists() or wanted.read_text("utf-8") != text:
        wanted.write_text(text, "utf-8")
        options = ["--no-audit", "--no-fund", "--loglevel", "error"]
        if subprocess.run(["npm", "install", *options], cwd=folder, check=False).returncode:
            wanted.unlink()
    has_firefox = shutil.which("firefox-esr") or shutil.which("firefox")
    missing = [] if has_firefox else ["firefox-esr"]
    missing += (
        [] if shutil.which("certutil") else ["libnss3-tools"]
    )  # for the step by which browsers trust an authority
    if missing:
        _install(missing)
    return 0


def _install(packages: list[str]) -> None:
    if os.geteuid() or not shutil.which("apt-get"):
        print(f"some tests will skip. For all of them: sudo apt-get install {' '.join(packages)}")
        return
    words = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    subprocess.run(words, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, check=False)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
