"""Installs the servers and clients of the suite into a folder that may be thrown away."""

from __future__ import annotations

import json
import shutil
import subprocess
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

NODE = {
    "@tus/file-store": "2.1.1",
    "@tus/server": "2.4.5",
    "azurite": "3.35.0",
    "ganache": "7.9.2",
    "json-graphql-server": "3.3.2",
    "json-server": "0.17.4",
}
PYTHON = [
    "azure-storage-blob==12.31.1", "boto3==1.44.8", "caldav==3.6.0", "cheroot==11.1.2", "gcp-storage-emulator==2026.7.19",
    "google-cloud-storage==3.17.1", "ipykernel", "jupyter_server==2.21.1", "kinto==26.5.0", "kinto-http==11.11.0",
    "localstripe==1.15.10", "luigi==3.8.1", "moto[server]==5.2.5", "radicale==3.9.0", "requests", "stripe==16.1.0", "supervisor==4.3.0",
    "tuspy==1.1.0", "web3", "webdav4==0.11.0", "websocket-client==1.9.2", "wsgidav==4.4.0",
]  # fmt: skip
# Each in an environment of its own: their pins do not agree with the others'.
ALONE = {
    "ara": ["ara[server]==1.8.0"],
    "mlflow": ["mlflow==3.17.2"],
    "synapse": ["matrix-synapse==1.163.2", "matrix-nio==0.26.0", "requests"],
    "tryton": ["trytond==8.2.1", "trytond_party==8.2.0", "proteus==8.2.0"],
}


def install(folder: Path, alone: Mapping[str, Sequence[str]] = ALONE) -> None:
    """What is there already stays. What cannot be installed is missing later, and the table says so."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / "package.json"
    text = json.dumps({"private": True, "dependencies": NODE}, indent=2)
    if shutil.which("npm") and (not wanted.exists() or wanted.read_text() != text):
        wanted.write_text(text)
        command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel", "error"]
        if subprocess.run(command, cwd=folder, check=False).returncode:
            wanted.unlink()
    for name, packages in {"python": PYTHON, **alone}.items():
        stamp = folder / name / "packages.json"
        if stamp.exists() and json.loads(stamp.read_text()) == [*packages]:
            continue
        if not (folder / name / "bin" / "python").exists():
            venv.create(folder / name, with_pip=True)
        command = [
            str(folder / name / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        if not subprocess.run([*command, *packages], check=False).returncode:
            stamp.write_text(json.dumps([*packages]))
