"""The one MetaData of the gateway's database, and the kernel's tables in it; each slice's model.py adds its own."""

from sqlalchemy import MetaData

from services.kernel.messaging.model import KernelTables

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

kernel = KernelTables(metadata)
