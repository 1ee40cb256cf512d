"""The one metadata of an office database, holding the kernel's tables; each slice adds its own in its `model.py`.

`services/office/schema.py` imports them all.
"""

from sqlalchemy import MetaData

from services.kernel.messaging.model import KernelTables, OfficeTables

METADATA = MetaData()
KERNEL = KernelTables(METADATA)
OUTBOX = OfficeTables(METADATA)
