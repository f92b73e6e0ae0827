"""Programs that only a younger Debian has, run beside this machine's own: with all their libraries in a folder."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

SUITE = "sid"
METHODS = Path("/usr/lib/apt/methods")


def install(folder: Path, program: str) -> None:
    """`folder`/bin/`program`, by apt's own means and checked by its keys; nothing on the machine changes."""
    source = _source()
    if not source or not shutil.which("dpkg") or not METHODS.is_dir():
        print(f"{program} is in Debian's packages; this machine has no apt to get it with")
        return
    _laid(folder, source)
    steps = (["update"], ["--download-only", "--no-install-recommends", "-y", "install", program])
    for words in steps:
        if subprocess.run([*_apt(folder), *words], check=False, stdout=subprocess.DEVNULL).returncode:
            print(f"{program} could not be downloaded")
            return
    for package in sorted((folder / "var/cache/apt/archives").glob("*.deb")):
        subprocess.run(["dpkg", "-x", str(package), str(folder / "tree")], check=True)
    _started(folder, program)


def install_file(folder: Path, package: str, name: str) -> None:
    """`folder`/`name` out of a package of this machine's own Debian; nothing on the machine changes."""
    if not shutil.which("dpkg") or not shutil.which("apt-get"):
        print(f"{name} is in Debian's package {package}; this machine has no apt to get it with")
        return
    tree = folder / package
    tree.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "-qq", "download", package], cwd=tree, check=False, capture_output=True)
    for archive in tree.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(archive), str(tree)], check=True)
    found = next(tree.rglob(name), None)
    if found is None:
        print(f"{package} could not be downloaded: apt-get update may help")
    else:
        shutil.copyfile(found, folder / name)


def _source() -> tuple[str, str] | None:
    """(mirror, its keys): those from which this machine has its own packages."""
    for file in sorted(Path("/etc/apt").glob("sources.list.d/*.sources")):
        for block in file.read_text("utf-8").split("\n\n"):
            found = dict(re.findall(r"^([\w-]+): *(\S+)", block, re.MULTILINE))
            if found.get("URIs", "").rstrip("/").endswith("/debian"):
                return found["URIs"], found.get("Signed-By", "/usr/share/keyrings/debian-archive-keyring.gpg")
    return None


def _laid(folder: Path, source: tuple[str, str]) -> None:
    for name in ("etc/apt/sources.list.d", "etc/apt/preferences.d", "etc/apt/apt.conf.d", "var/lib/dpkg", "tree"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in ("var/lib/apt/lists/partial", "var/cache/apt/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "var/lib/dpkg/status").touch()
    mirror, keys = source
    text = f"Types: deb\nURIs: {mirror}\nSuites: {SUITE}\nComponents: main\nSigned-By: {keys}\n"
    (folder / "etc/apt/sources.list.d/all.sources").write_text(text)


def _apt(folder: Path) -> list[str]:
    options = {"Dir": folder, "Dir::Bin::methods": METHODS, "APT::Sandbox::User": "tree"}
    return ["apt-get", "-qq", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]


def _started(folder: Path, program: str) -> None:
    """Through the loader that came with it: its C library is younger than the machine's."""
    (loader,) = (folder / "tree/usr/lib").glob("*-linux-*/ld-linux-*.so.*")
    start = folder / "bin" / program
    start.parent.mkdir(exist_ok=True)
    command = f'exec "{loader}" --library-path "{loader.parent}" "{folder}/tree/usr/bin/{program}" "$@"'
    start.write_text(f"#!/bin/sh\n{command}\n")
    start.chmod(0o755)
