import time
from sqlalchemy import text
from services.kernel.messaging.records import TopicPartition
from services.kernel.messaging import outbox_source as m
from tests.integration.kernel.scene import *

async def test_plan(scene):
    async with scene.database.transaction() as conn:
        await conn.execute(text("INSERT INTO broker (cluster_id, generation) VALUES ('x',1)"))
        for state,n in (("settled",300000),("sent",100000),("routed",50000)):
            await conn.execute(text(f"""INSERT INTO outbox (source,envelope_id,topic,key,subject,organ,type,headers,value,digest,sequence,state,pending,due_at,log_partition,log_offset)
              SELECT 's', '{state}'||n, 'ingest.commune', '{state}'||n, '{state}'||n, 'o','t','[]','x','x',1,'{state}',false, now() + CASE WHEN '{state}'='routed' THEN interval '1 hour' ELSE interval '-1 hour' END, n%6, n FROM generate_series(1,{n}) n"""))
    for analyzed in (False, True):
      if analyzed:
        async with scene.database.transaction() as conn: await conn.execute(text("ANALYZE outbox"))
      for passed in (0, 1000, 50000):
        pos={TopicPartition("ingest.commune",p):passed for p in range(6)}
        t=time.monotonic()
        async with scene.database.transaction() as conn:
            n=await scene.source.fall_due(conn, pos)
        print("fall_due", analyzed, passed, n, time.monotonic()-t, flush=True)
    t=time.monotonic()
    async with scene.database.read() as conn: x=await scene.source.take(conn,500,())
    print("take", len(x), time.monotonic()-t)
    await scene.write(["sent5"])
    t=time.monotonic()
    async with scene.database.transaction() as conn: x=await scene.outbox.tail_from(conn,"sent5","o",1)
    print("tail", x, time.monotonic()-t)
    t=time.monotonic()
    async with scene.database.transaction() as conn: x=await scene.source.log_lost(conn)
    print("lost", time.monotonic()-t)
