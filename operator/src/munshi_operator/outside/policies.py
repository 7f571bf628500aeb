"""What a cell's user may do in the object store, as S3's policy documents. Pure."""

import hashlib
import re
from typing import Any

from munshi.contracts.ids import CellName, TenantKey
from munshi.provision.object_store import prefix_of_cell

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_CELL = re.compile(r"[a-z0-9]([-_a-z0-9]{0,126}[a-z0-9])?")


def prefix_of(cell: CellName, key: TenantKey) -> str:
    """Where a tenant's objects lie while a cell serves it. The pool's tenants lie side by side in the pool's
    prefix, so its policy stays one line for ten thousand of them."""
    return f"{prefix_of_cell(cell)}{key}/"


def user_of(cell: CellName) -> str:
    """Access key of a cell's user: at most 20 characters, as S3 servers take them."""
    return f"munshi{hashlib.sha256(cell.encode()).hexdigest()[:14]}"


def policy_name(cell: CellName) -> str:
    """Name of the policy of a cell's user."""
    return f"cell-{user_of(cell)}"


def cell_policy(bucket: str, cell: CellName) -> dict[str, Any]:
    """Reads, writes and deletes objects under the cell's prefix, lists those, and knows of nothing else.

    Raises:
        ValueError: a bucket or cell whose name would widen the policy.
    """
    if not _BUCKET.fullmatch(bucket):
        raise ValueError(f"{bucket!r} is no name of a bucket")
    if not _CELL.fullmatch(cell):
        raise ValueError(f"{cell!r} is no name of a cell")
    arn, prefix = f"arn:aws:s3:::{bucket}", prefix_of_cell(cell)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Objects",
                "Effect": "Allow",
                "Action": [
                    "s3:GetObject",
                    "s3:PutObject",
                    "s3:DeleteObject",
                    "s3:AbortMultipartUpload",
                    "s3:ListMultipartUploadParts",
                ],
                "Resource": [f"{arn}/{prefix}*"],
            },
            {
                "Sid": "List",
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": [arn],
                "Condition": {"StringLike": {"s3:prefix": [f"{prefix}*"]}},
            },
        ],
    }
