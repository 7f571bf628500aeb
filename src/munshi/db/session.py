"""SQLAlchemy sessions for everything rare: scoped to one tenant, or the administrator's over all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from munshi.contracts.ids import TenantKey


def create_engine(url: str, *, name: str, size: int = 5) -> AsyncEngine:
    """An engine on a plain `postgresql://` address. `name` is seen in pg_stat_activity."""
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=size,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"server_settings": {"application_name": name}},
    )


@asynccontextmanager
async def tenant_session(engine: AsyncEngine, tenant: TenantKey) -> AsyncIterator[AsyncSession]:
    """One transaction as a cell's role in which only this tenant's rows are seen.

    Committed at the end, rolled back by an error. Do not commit inside: the tenant is set for it alone.
    """
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
        await session.execute(text("SELECT set_config('munshi.tenant', :tenant, true)"), {"tenant": tenant})
        yield session


@asynccontextmanager
async def admin_session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """One transaction as `munshi_admin`, over the rows of all tenants: for the platform's own hand only."""
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
        yield session
