#!/usr/bin/env python3
"""Create a cluster's certificates, service account keys and kubeconfigs in a folder.

    pki.py FOLDER --node NAME --server URL [--local-server URL] --ip ADDRESS...

Three authorities, as Kubernetes wants them apart: one for the cluster, one for etcd, one for requests
that the API server forwards to extension servers. Everything is thrown away with the cluster.
--server is for the administrator's kubeconfig, --local-server for those of the components.
"""

import argparse
import base64
import datetime as dt
import ipaddress
import json
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS = 30
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
NOW = dt.datetime.now(dt.UTC)
API_SERVER_NAMES = [
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
]


def new_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return key


def key_usage(**allowed: bool) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names})


def certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(minutes=5))
        .not_valid_after(NOW + dt.timedelta(days=VALID_DAYS))
    )


class Authority:
    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.key = new_key(folder / f"{name}.key")
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signed = (
            certificate(self.name, self.name, self.key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(key_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False)
            .sign(self.key, hashes.SHA256())
        )
        (folder / f"{name}.crt").write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def issue(
        self,
        file: str,
        user: str,
        *,
        groups: Sequence[str] = (),
        names: Sequence[str] = (),
        addresses: Sequence[str] = (),
        purposes: Sequence[x509.ObjectIdentifier] = (CLIENT,),
    ) -> None:
        """FILE.crt and FILE.key. Kubernetes reads the user from CN and the groups from O."""
        key = new_key(self.folder / f"{file}.key")
        subject = x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
            + [x509.NameAttribute(NameOID.COMMON_NAME, user)]
        )
        issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = (
            certificate(subject, self.name, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(issuer_id, critical=False)
        )
        if names or addresses:
            alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
            alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        signed = builder.sign(self.key, hashes.SHA256())
        (self.folder / f"{file}.crt").write_bytes(signed.public_bytes(serialization.Encoding.PEM))


def write_kubeconfig(folder: Path, user: str, server: str, file: str | None = None) -> None:
    def embedded(name: str) -> str:
        return base64.b64encode((folder / name).read_bytes()).decode()

    config = {  # JSON is YAML
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "cluster",
        "contexts": [{"name": "cluster", "context": {"cluster": "cluster", "user": user}}],
        "clusters": [
            {
                "name": "cluster",
                "cluster": {"server": server, "certificate-authority-data": embedded("ca.crt")},
            }
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": embedded(f"{user}.crt"),
                    "client-key-data": embedded(f"{user}.key"),
                },
            }
        ],
    }
    (folder / f"{file or user}.kubeconfig").write_text(json.dumps(config, indent=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--node", required=True)
    parser.add_argument("--server", required=True)
    parser.add_argument("--local-server")
    parser.add_argument("--ip", action="append", default=[], help="of the API server and the kubelet")
    options = parser.parse_args()
    folder, node, local = options.folder, options.node, options.local_server or options.server
    addresses = ["127.0.0.1", *options.ip]

    os.umask(0o077)
    folder.mkdir(parents=True)
    cluster, etcd, front_proxy = (Authority(folder, name) for name in ("ca", "etcd-ca", "front-proxy-ca"))

    cluster.issue(
        "apiserver", "kube-apiserver", names=API_SERVER_NAMES, addresses=addresses, purposes=[SERVER]
    )
    cluster.issue(
        "kubelet-serving",
        f"system:node:{node}",
        groups=["system:nodes"],
        names=[node],
        addresses=addresses,
        purposes=[SERVER],
    )
    cluster.issue(
        "component-serving", "component", names=["localhost"], addresses=["127.0.0.1"], purposes=[SERVER]
    )

    # the API server as a client of the kubelet, and the users of the components
    cluster.issue("apiserver-to-kubelet", "kube-apiserver", groups=["system:masters"])
    cluster.issue("admin", "admin", groups=["system:masters"])
    cluster.issue("controller-manager", "system:kube-controller-manager")
    cluster.issue("scheduler", "system:kube-scheduler")
    cluster.issue("kubelet", f"system:node:{node}", groups=["system:nodes"])
    cluster.issue("kube-proxy", "system:kube-proxy")

    # etcd serves its clients and, as its own only peer, itself
    etcd.issue("etcd", "etcd", names=["localhost"], addresses=["127.0.0.1"], purposes=[SERVER, CLIENT])
    etcd.issue("apiserver-to-etcd", "kube-apiserver")
    front_proxy.issue("front-proxy-client", "front-proxy-client")

    public = new_key(folder / "service-account.key").public_key()
    (folder / "service-account.pub").write_bytes(
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )

    write_kubeconfig(folder, "admin", options.server)
    write_kubeconfig(folder, "admin", local, file="admin-local")
    for user in ("controller-manager", "scheduler", "kubelet", "kube-proxy"):
        write_kubeconfig(folder, user, local)


if __name__ == "__main__":
    main()
