"""An OIDC issuer over TLS, as a cluster is one: discovery and keys, and tokens of its ServiceAccounts."""

import datetime
import http.server
import ipaddress
import json
import ssl
import threading
import time

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SUBJECT = "system:serviceaccount:ns:sa"
AUDIENCE = "api://AzureADTokenExchange"


class Issuer:
    """Serves while it is entered. Its files are in `folder`; `signer` is a certificate whose key signs the tokens."""

    def __init__(self, folder, signer):
        self.folder, self.signer = folder, signer
        self.ca_file = folder / "issuer-ca.pem"

    @property
    def trust(self):
        """What the simulator is told at /issuers."""
        return {"issuer": self.url, "caFile": str(self.ca_file)}

    @property
    def federation(self):
        """What an application is told."""
        return {"name": "k8s", "issuer": self.url, "subject": SUBJECT, "audience": AUDIENCE}

    def token(self, subject=SUBJECT):
        now = int(time.time())
        body = {"iss": self.url, "sub": subject, "aud": [AUDIENCE], "nbf": now, "exp": now + 600}
        return jwt.encode(body, self.signer.key, algorithm="RS256", headers={"kid": "k1"})

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._server_certificate())
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def _server_certificate(self):
        """Self-signed, for 127.0.0.1; a file with its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=1))
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        certificate = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.ca_file.write_bytes(pem)
        both = self.folder / "issuer.pem"
        both.write_bytes(pem + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return both

    def _handler(self):
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                pages = {
                    "/.well-known/openid-configuration": {
                        "issuer": issuer.url, "jwks_uri": issuer.url + "/keys"},
                    "/keys": {"keys": [issuer.signer.jwk("k1")]},
                }
                body = json.dumps(pages[self.path]).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler
