"""Phone numbers that two tenants claim: the older keeps one, the younger is served without it. Pure.

Of the same second, the lower uid counts as older. A tenant that is being deleted keeps its numbers until it
is gone, since its pods may still answer.
"""

from dataclasses import dataclass, replace

from munshi.contracts.ids import TenantKey
from munshi_operator.observed import Observed
from munshi_operator.types import TenantObject


@dataclass(frozen=True, slots=True)
class Claims:
    """What a tenant may answer on."""

    tenant: TenantObject | None
    """As it may be served; `None` when every number of it is somebody else's."""
    lost: tuple[tuple[str, TenantKey], ...]
    """Numbers that an older tenant keeps, and which."""

    @property
    def message(self) -> str:
        """For people."""
        said = ", ".join(
            f"phoneNumberID {number} belongs to {owner.replace('_', '/', 1)}, which is older"
            for number, owner in self.lost
        )
        return f"{said}; a number belongs to one tenant: remove it from one of them"


def settle(tenant: TenantObject, observed: Observed) -> Claims:
    """Takes away what older tenants claim."""
    lost: list[tuple[str, TenantKey]] = []
    kept = []
    for number in tenant.tenant.spec.whatsapp.phone_numbers:
        claimants = observed.claimants(number.phone_number_id)
        if claimants and claimants[0].uid != tenant.uid:
            lost.append((number.phone_number_id, claimants[0].key))
        else:
            kept.append(number)
    if not lost:
        return Claims(tenant, ())
    if not kept:
        return Claims(None, tuple(lost))
    spec = tenant.tenant.spec
    whatsapp = spec.whatsapp.model_copy(update={"phone_numbers": tuple(kept)})
    narrowed = tenant.tenant.model_copy(update={"spec": spec.model_copy(update={"whatsapp": whatsapp})})
    return Claims(replace(tenant, tenant=narrowed), tuple(lost))
