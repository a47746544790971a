"""Certificates for tests, as docs/bridge-tls.md has them made."""

from __future__ import annotations

import subprocess
from pathlib import Path

PATIENCE_S = 60


class Authority:
    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.pem, self.key = folder, folder / f"{name}.pem", folder / f"{name}.key"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                     "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.pem)

    def openssl(self, *arguments: object) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=PATIENCE_S)

    def issue(self, name: str) -> list[str]:
        """The options of a bridge that shows a certificate of this name for this machine, and asks for one of ours."""
        pem, key, request, also = (self.folder / f"{name}.{end}" for end in ("pem", "key", "csr", "ext"))
        also.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                     "-keyout", key, "-out", request)
        self.openssl("x509", "-req", "-in", request, "-CA", self.pem, "-CAkey", self.key, "-CAcreateserial",
                     "-days", "1", "-extfile", also, "-out", pem)
        return ["--tls-cert", str(pem), "--tls-key", str(key), "--tls-ca", str(self.pem)]
