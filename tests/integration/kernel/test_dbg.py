import asyncio, logging
from collections import Counter
from services.kernel.messaging.consumer import Consumer, Membership
from tests.integration.kernel.conftest import *
from tests.integration.kernel.scene import *
from tests.integration.kernel.readers import *
from tests.conftest import *
from tests.integration.kernel.test_consumer import add_consumer, applied

async def test_x(scene, database_url, cluster):
    h1=Noting(seconds=0.05)
    c1=add_consumer(scene, h1)
    scene.start()
    await scene.write([f"s{n}" for n in range(50)])
    await until(lambda: applied(scene, 1))
    other = Scene(database_url, cluster)
    second = Noting(seconds=0.05)
    add_consumer(other, second)
    try:
        other.start(relay=False)
        written = 50
        while not second.chunks:
            await scene.write([f"s{n}" for n in range(50)])
            written += 50
            await asyncio.sleep(0.02)
        print("second has chunks")
        await other.supervisor.stop()
    finally:
        await other.aclose()
    await scene.write([f"s{n}" for n in range(50)])
    try:
        await until(lambda: applied(scene, written + 50), seconds=8)
    except AssertionError: pass
    e=await effects(scene.database)
    print("written", written+50, "effects", len(e), "distinct", len(set(e)))
    print(await scene.admin.committed(GROUP)); print(await scene.admin.end_offsets([TOPIC]))
    print("pending", await scene.count("pending"), c1.part(), scene.relay.part())
    recs=await read_all(cluster, TOPIC)
    print("log", len(recs))
    missing=[r for r in recs if label(r) not in set(e)]
    print("missing", [(r.partition,r.offset,label(r)) for r in missing[:10]], len(missing))
