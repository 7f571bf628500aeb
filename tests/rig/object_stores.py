"""Real S3 servers as processes: MinIO, whose admin API the operator speaks, and versitygw. `tools/s3-servers`
builds both."""

import base64
import contextlib
import http.client
import json
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
import urllib3
from minio import Minio, MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException

from munshi.embedded.processes import ProcessSpec, kill_group, start, wait_until
from rig.ports import free_port

BUCKET = "munshi"
ROOT_KEY = "root-key-of-tests"
ROOT_SECRET = "root-secret-of-tests"
_TOOL = Path(__file__).resolve().parent.parent.parent / "tools" / "s3-servers"


def program(name: str) -> Path:
    """Where a server lies; skips the test, with the reason, where it is not built."""
    folder = Path(
        subprocess.run([_TOOL, "--path"], capture_output=True, text=True, check=True).stdout.strip()
    )
    path = folder / "bin" / name
    if not path.exists():
        pytest.skip(f"{name} is not built; tools/s3-servers builds it (needs Go)")
    return path


@dataclass
class S3Server(ABC):
    """One server on a folder: started, killed, started again with all that it kept."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    name: ClassVar[str]

    @property
    def endpoint(self) -> str:
        """URL for clients."""
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def argv(self) -> tuple[str, ...]:
        """The command."""

    def environment(self) -> dict[str, str]:
        """Its settings."""
        return {}

    def alive(self) -> bool:
        """Whether it answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status in {200, 403}
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def start(self) -> None:
        """Starts it and waits until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        spec = ProcessSpec(self.name, self.argv(), self.folder / "log", self.environment())
        self.process = start(spec)
        if not wait_until(self.alive, 120.0, self.process):
            raise RuntimeError(f"{self.name} did not start:\n{spec.log.read_text()[-2000:]}")

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            kill_group(self.process)

    def client(self, access_key: str = ROOT_KEY, secret_key: str = ROOT_SECRET) -> Minio:
        """A plain S3 client with given keys: other eyes than the program's."""
        return Minio(
            endpoint=f"127.0.0.1:{self.port}",
            access_key=access_key,
            secret_key=secret_key,
            region="us-east-1",
            secure=False,
        )


class MinioServer(S3Server):
    """MinIO."""

    name = "minio"

    def argv(self) -> tuple[str, ...]:
        """On loopback, without its page."""
        address = f"127.0.0.1:{self.port}"
        return (str(program("minio")), "server", "--quiet", "--address", address, str(self.folder / "data"))

    def environment(self) -> dict[str, str]:
        """Root's keys, and one to encrypt with; nothing is told to its makers."""
        return {
            "MINIO_KMS_SECRET_KEY": f"tests:{base64.b64encode(bytes(range(32))).decode()}",
            "MINIO_ROOT_USER": ROOT_KEY,
            "MINIO_ROOT_PASSWORD": ROOT_SECRET,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
            "HOME": str(self.folder),
        }

    def alive(self) -> bool:
        """Whether it answers and knows its users: it reads them last."""
        if not super().alive():
            return False
        admin = MinioAdmin(
            endpoint=f"127.0.0.1:{self.port}",
            credentials=StaticProvider(ROOT_KEY, ROOT_SECRET),
            region="us-east-1",
            secure=False,
            http_client=urllib3.PoolManager(timeout=2.0, retries=False),
        )
        try:
            admin.user_list()
        except (MinioAdminException, urllib3.exceptions.HTTPError):
            return False
        return True


class VersityServer(S3Server):
    """versitygw over a folder."""

    name = "versitygw"

    def argv(self) -> tuple[str, ...]:
        """With users of its own, and attributes beside the files."""
        for name in ("iam", "sidecar", "data"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        return (
            str(program("versitygw")),
            "--quiet",
            "--port",
            f"127.0.0.1:{self.port}",
            "--iam-dir",
            str(self.folder / "iam"),
            "posix",
            "--sidecar",
            str(self.folder / "sidecar"),
            str(self.folder / "data"),
        )

    def environment(self) -> dict[str, str]:
        """Root's keys."""
        return {"ROOT_ACCESS_KEY": ROOT_KEY, "ROOT_SECRET_KEY": ROOT_SECRET}

    def add_user(self, access_key: str, secret_key: str) -> None:
        """Makes a user that may do nothing yet."""
        command = [str(program("versitygw")), "admin", "--access", ROOT_KEY, "--secret", ROOT_SECRET]
        command += ["--endpoint-url", self.endpoint, "create-user", "--access", access_key]
        subprocess.run([*command, "--secret", secret_key, "--role", "user"], check=True, capture_output=True)

    def allow(self, policies: dict[str, dict[str, Any]]) -> None:
        """Lets each user do what its policy says, by one policy of the bucket."""
        statements = [
            {**statement, "Sid": f"{user}{statement['Sid']}", "Principal": {"AWS": [user]}}
            for user, policy in policies.items()
            for statement in policy["Statement"]
        ]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.client().set_bucket_policy(bucket_name=BUCKET, policy=document)


@contextlib.contextmanager
def running(server: S3Server) -> Iterator[S3Server]:
    """A server with a bucket, gone at the end."""
    server.start()
    try:
        client = server.client()
        if not client.bucket_exists(bucket_name=BUCKET):
            client.make_bucket(bucket_name=BUCKET)
        yield server
    finally:
        server.kill()
