"""What ingress is given by its environment."""

from pydantic import Field, SecretStr

from munshi.settings import ServiceSettings


class IngressSettings(ServiceSettings):
    """Settings of ingress. Sizes in bytes, times in seconds."""

    platform_app_secret: SecretStr | None = Field(
        default=None,
        description="App secret of the platform's own app, for `/webhooks/whatsapp`; absent: it is 404.",
    )
    platform_app_secret_previous: SecretStr | None = Field(
        default=None, description="The secret before it; both hold during a rotation."
    )
    platform_verify_token: SecretStr | None = Field(
        default=None, description="Verify token of the platform's own app; absent: its handshake is 403."
    )
    max_body_bytes: int = Field(
        default=3 * 1024 * 1024, gt=0, description="Largest webhook; Meta's own limit is 3 MB. Beyond: 413."
    )
    max_requests: int = Field(
        default=1000,
        gt=0,
        description="Webhooks in work at once; one more is answered 503: Meta waits, not our memory.",
    )
    max_waiting_bytes: int = Field(
        default=64 * 1024 * 1024,
        gt=0,
        description="Bodies in work at once, in bytes; beyond, 503. Bounds memory whatever the sizes are.",
    )
    max_waiting_events: int = Field(
        default=10_000,
        gt=0,
        description="Events of one cell that wait for the bus; beyond, 503. Ten of Meta's largest batches.",
    )
    body_seconds: float = Field(
        default=10.0,
        gt=0,
        description="Time that a body may take to arrive; a slower sender is dropped (408).",
    )
    ack_seconds: float = Field(
        default=5.0,
        gt=0,
        description="Time that the bus may take to keep a batch; beyond, 503 and Meta repeats.",
    )
    drain_seconds: float = Field(
        default=1.0,
        ge=0,
        description="Between SIGTERM and closing the socket: not ready, still serving, each answer closes "
        "its connection. A pod sets it above the time that its endpoint takes to be withdrawn.",
    )
