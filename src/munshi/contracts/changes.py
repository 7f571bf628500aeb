"""Which changes of a living tenant are refused, in words that `munshi apply` and the API server share."""

from munshi.contracts.tenant import WhatsAppTenantSpec

ASSISTANT_FIXED = (
    "spec.assistant cannot change: the data of one assistant are of no use to another; make another tenant"
)
ACCOUNT_FIXED = (
    "spec.whatsapp.businessAccountID cannot change: customers and books belong to the account; make another "
    "tenant"
)
ASLEEP_WHILE_PAUSED = (
    "spec.hibernated cannot change while spec.paused is true, for nothing would follow; "
    "set spec.paused to false"
)


def refused_change(before: WhatsAppTenantSpec, after: WhatsAppTenantSpec) -> str | None:
    """What is told of a change that cannot be made; `None` where it can."""
    if before.assistant is not after.assistant:
        return ASSISTANT_FIXED
    if before.whatsapp.business_account_id != after.whatsapp.business_account_id:
        return ACCOUNT_FIXED
    if before.paused and after.paused and before.hibernated != after.hibernated:
        return ASLEEP_WHILE_PAUSED
    return None
