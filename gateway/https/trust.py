"""How systems and programs come to trust the local authority: steps in words, and a profile for Apple's. Pure."""

from __future__ import annotations

import base64
import hashlib
import plistlib
from dataclasses import dataclass
from typing import Final

NAME: Final = "What-If Gateway local authority"
IDENTIFIER: Final = "gateway.what-if.local-authority"


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do on one system, in order. `command` is one line for a terminal, or ""."""

    system: str
    steps: tuple[str, ...]
    command: str = ""


SYSTEMS: Final = (  # {file}: the authority's certificate on this machine; {page}: the address of /_gateway/tls
    Steps(
        "iPhone and iPad",
        (
            "Open {page} in Safari and install the profile: Settings shows “Profile Downloaded”.",
            "Settings, General, About, Certificate Trust Settings: switch it on, else Safari refuses it.",
        ),
    ),
    Steps(
        "Android",
        (
            "Open {page} and download ca.crt.",
            "Settings, Security, Encryption and credentials, Install a certificate, CA certificate: choose ca.crt.",
            "Chrome trusts it now; an app only when its network security configuration names user certificates.",
        ),
    ),
    Steps(
        "Windows",
        ("In a terminal of the user, without administrator rights:",),
        'certutil -user -addstore Root "{file}"',
    ),
    Steps(
        "macOS",
        ("In a terminal; the system asks for the password:",),
        "security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db '{file}'",
    ),
    Steps(
        "Debian, Ubuntu",
        ("For curl, wget, git, Python's ssl module and the like:",),
        "sudo cp '{file}' /usr/local/share/ca-certificates/what-if-gateway.crt && sudo update-ca-certificates",
    ),
    Steps(
        "Fedora, RHEL",
        ("For curl, wget, git and the like:",),
        "sudo cp '{file}' /etc/pki/ca-trust/source/anchors/what-if-gateway.crt && sudo update-ca-trust",
    ),
    Steps(
        "Chrome and Chromium on Linux",
        ("They have a store of their own; certutil is in the package libnss3-tools:",),
        "certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n '{NAME}' -i '{file}'",
    ),
    Steps(
        "Firefox",
        (
            "Settings, Privacy & Security, Certificates, View Certificates, Authorities, Import: choose ca.crt.",
            "Tick “Trust this CA to identify websites”. On Windows and macOS it also takes what the system trusts.",
        ),
    ),
    Steps("curl, once", ("Without changing the system:",), "curl --cacert '{file}' https://localhost:8443/"),
    Steps("Node", ("For one program:",), "NODE_EXTRA_CA_CERTS='{file}' node app.js"),
    Steps(
        "Python",
        ("SSL_CERT_FILE replaces the system's authorities for one program; requests reads REQUESTS_CA_BUNDLE:",),
        "SSL_CERT_FILE='{file}' REQUESTS_CA_BUNDLE='{file}' python app.py",
    ),
    Steps(
        "Java",
        ("In the trust store of the JDK that runs the program:",),
        "keytool -importcert -cacerts -storepass changeit -noprompt -alias what-if-gateway -file '{file}'",
    ),
)


def steps_for(file: str, page: str) -> tuple[Steps, ...]:
    """`file` is the authority's certificate on this machine, `page` the address of /_gateway/tls."""

    def filled(text: str) -> str:
        return text.format(file=file, page=page, NAME=NAME)

    return tuple(Steps(one.system, tuple(map(filled, one.steps)), filled(one.command)) for one in SYSTEMS)


def apple_profile(certificate: bytes, fingerprint: str) -> bytes:
    """A configuration profile (.mobileconfig) that installs the authority; `certificate` in DER form."""
    content = {
        "PayloadType": "com.apple.security.root",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{IDENTIFIER}.certificate",
        "PayloadUUID": _uuid(fingerprint + "certificate"),
        "PayloadDisplayName": NAME,
        "PayloadCertificateFileName": "what-if-gateway.crt",
        "PayloadContent": certificate,
    }
    profile = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": IDENTIFIER,
        "PayloadUUID": _uuid(fingerprint),
        "PayloadDisplayName": NAME,
        "PayloadDescription": "Lets this device open the gateway's pages over HTTPS. It is limited to local names.",
        "PayloadRemovalDisallowed": False,
        "PayloadContent": [content],
    }
    return plistlib.dumps(profile)


def _uuid(text: str) -> str:
    """The same for the same authority, so that installing it again replaces the profile."""
    digits = hashlib.sha256(text.encode()).hexdigest().upper()
    return "-".join((digits[:8], digits[8:12], "8" + digits[13:16], "8" + digits[17:20], digits[20:32]))


def der_of(pem: bytes) -> bytes:
    """The bytes inside of a PEM file's first block."""
    lines = pem.split(b"-----")[2].split()
    return base64.b64decode(b"".join(lines))
