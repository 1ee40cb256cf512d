import asyncio, random, time, os
from collections import Counter
from services.kernel.messaging.consumer import Consumer, Membership
from contracts.problems import HubError
from tests.integration.kernel.conftest import *
from tests.integration.kernel.scene import *
from tests.integration.kernel.readers import *
from tests.conftest import *
from services.kernel.messaging.records import Identity

class Acking(Once):
    """also sends back receipts: marks routed directly in the same db"""
    def __init__(self, scene): super().__init__(); self.scene=scene
    async def apply(self, conn, records):
        await super().apply(conn, records)
        facts=[from_record(r.headers, r.value) for r in records]
        last = await inbox.lock_subjects(conn, [f.subject for f in facts])
        ok=[Identity(f.source,f.id) for f in facts if f.sequence<=last[f.subject]]
        await self.scene.outbox.mark_routed(conn, ok)
        await self.scene.outbox.mark_settled(conn, ok)

async def test_chaos(database_url, cluster, kafka, postgres):
    seed=int(os.environ.get("SEED","1")); rng=random.Random(seed)
    scenes=[Scene(database_url, cluster, retry_scale=1.0) for _ in range(2)]
    for s in scenes:
        c=Consumer(cluster, Membership(GROUP,[TOPIC]), Acking(s), database=s.database, watch=s.watch)
        s.supervisor.add("consumer", c.run, state=c.part); s.c=c
        s.start()
    written=Counter(); stop=time.monotonic()+float(os.environ.get("SECS","60"))
    async def writer(s, n):
        r=random.Random(n)
        while time.monotonic()<stop:
            subj=[f"s{r.randrange(20)}" for _ in range(r.randrange(1,20))]
            try:
                await s.write(subj)
            except HubError: await asyncio.sleep(0.2)
            await asyncio.sleep(0.02)
    async def monkey():
        while time.monotonic()<stop:
            await asyncio.sleep(rng.uniform(3,7))
            what=rng.choice(["kafka","wipe","pg","relay","restart"])
            print(f"{time.monotonic():.1f} {what}", flush=True)
            if what=="kafka":
                await asyncio.to_thread(kafka.kill); await asyncio.sleep(rng.uniform(0,3)); await asyncio.to_thread(kafka.start)
            elif what=="wipe":
                await asyncio.to_thread(kafka.wipe); await asyncio.sleep(rng.uniform(0,2)); await asyncio.to_thread(kafka.start)
            elif what=="pg":
                await asyncio.to_thread(postgres.kill); await asyncio.sleep(rng.uniform(0,2)); await asyncio.to_thread(postgres.start)
            elif what=="relay":
                s=rng.choice(scenes)
                async with s.database.transaction() as conn:
                    await conn.execute(text("UPDATE lease SET expires_at = now() - interval '1 minute'"))
            print(f"{time.monotonic():.1f} {what} done", flush=True)
    await asyncio.gather(*(writer(s,i) for i,s in enumerate(scenes)), monkey())
    t=time.monotonic()
    async def settled():
        try: return await scenes[0].count("state <> 'settled'")==0
        except HubError: return False
    try:
        await until(settled, seconds=60, every=0.2)
    except AssertionError:
        print("NOT SETTLED")
    print("settled after", time.monotonic()-t)
    e=await effects(scenes[0].database); n=await scenes[0].count()
    async with scenes[0].database.read() as conn:
        states=(await conn.execute(text("select state,pending,count(*) from outbox group by 1,2"))).all()
    print("rows", n, "effects", len(e), "distinct", len(set(e)), states, "gen", scenes[0].watch.generation, [s.c.part() for s in scenes], [s.relay.part() for s in scenes])
    by={}
    for x in e:
        s,q=x.split("/"); by.setdefault(s,[]).append(int(q))
    assert all(v==list(range(1,len(v)+1)) for v in by.values())
    assert len(e)==len(set(e))==n
    for s in scenes: await s.aclose()
