"""Certificates that nobody has signed but themselves."""

import shutil
import ssl
import subprocess
from pathlib import Path

from .services import missing


def certificate(folder: Path, name: str) -> Path:
    """Write key.pem and cert.pem for a host into a folder; return the certificate, which makes it trusted."""
    openssl = shutil.which("openssl")
    if openssl is None:
        missing("openssl")
    subprocess.run(
        [str(openssl), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        + ["-days", "30000", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
        + ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem"


def serving_as(folder: Path, name: str) -> ssl.SSLContext:
    """Return what a server of that name needs."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate(folder, name), folder / "key.pem")
    return context
