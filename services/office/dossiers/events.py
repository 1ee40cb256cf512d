"""The Kafka door of dossiers: what other organs did, and what the gateway told about own facts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from contracts.problems import HubError
from contracts.protocol import Stamp
from contracts.registry import MESSAGES
from services.kernel.database import Connection, ring_on_commit
from services.office.doors import Addressee, Fact, Told
from services.office.dossiers import rules, store
from services.office.dossiers.rules import REFUSED, ROUTED, SUBMITTED, Entry, Held
from services.office.organs.actions import Organs


class DossierDoor:
    """Implements `services.office.doors.Door`."""

    types: Collection[str] = frozenset(name for name in MESSAGES if name.startswith("dossier."))

    def __init__(self, organs: Organs) -> None:
        self._organs = organs

    def kind(self, message_type: str) -> str:
        return "dossier"

    def href(self, subject: str) -> str:
        return f"/v1/dossiers/{subject}"

    def digests(self, fact: Fact) -> Collection[str]:
        return rules.digests(fact.payload)

    async def receive(self, conn: Connection, facts: Sequence[Fact], now: datetime) -> Mapping[Addressee, str]:
        """Brings the rows of every organ up to date, a few statements for the whole list: those addressed take the
        fact, and whoever else holds the dossier here its stamp."""
        stamps = rules.newest_stamps((fact.envelope.subject, fact.envelope.stamp) for fact in facts)
        known = await store.load_states_of(conn, {fact.envelope.subject for fact in facts})
        rows: dict[store.Key, Held] = dict(known)
        steps: list[tuple[store.Key, Entry]] = []
        refusals: dict[Addressee, str] = {}
        for fact in facts:
            decider = self._organs.canonical(rules.decider_of(fact.payload))
            for organ in fact.organs:
                key = organ, fact.envelope.subject
                try:
                    held, told = rules.receive(rows.get(key), organ, fact.envelope, fact.payload, decider=decider)
                except HubError as error:
                    refusals[Addressee(fact.envelope.id, organ)] = error.code
                else:
                    rows[key] = held
                    steps += [(key, step) for step in told]
        rows = {key: rules.mirror(held, stamps.get(held.code)) for key, held in rows.items()}
        await store.add(conn, [held for key, held in rows.items() if key not in known])
        await store.move(conn, [held for key, held in rows.items() if key in known and held != known[key]])
        await store.add_steps(conn, steps)
        return refusals

    async def mirror(self, conn: Connection, stamps: Mapping[str, Stamp]) -> None:
        known = await store.load_states_of(conn, stamps)
        rows = [rules.mirror(held, stamps[held.code]) for held in known.values()]
        await store.move(conn, [held for held in rows if held != known[held.key]])

    async def lacking(self, conn: Connection, facts: Sequence[Fact]) -> Mapping[Addressee, str]:
        keys = {
            Addressee(fact.envelope.id, organ): (organ, fact.envelope.subject)
            for fact in facts
            for organ in fact.organs
        }
        held = await store.load_states(conn, set(keys.values()))
        return {addressee: "dossier.unknown" for addressee, key in keys.items() if key not in held}

    async def take_word(self, conn: Connection, told: Sequence[Told]) -> None:
        """Own steps leave `pending` once; stamps count by version, whatever order word comes in."""
        known = await store.load_states(conn, {(each.holder, each.subject) for each in told})
        rows = dict(known)
        waiting = await store.pending(conn, [((each.holder, each.subject), each.transfer) for each in told])
        verdicts: dict[tuple[store.Key, str], tuple[str, str | None]] = {}
        for each in told:
            key = each.holder, each.subject
            if key not in rows:
                continue
            # without a stamp the effect of the step would be nowhere: it stays on its way until one comes
            ended = each.transfer in waiting and (each.verdict is not None or (each.routed and each.stamp is not None))
            refused = ended and each.verdict is not None
            if ended:
                state = (REFUSED, each.verdict.code) if each.verdict else (ROUTED, None)
                verdicts.setdefault((key, each.transfer), state)
            rows[key] = rules.take_word(rows[key], stamp=each.stamp, submit_refused=refused and each.type == SUBMITTED)
        await store.move(conn, [held for key, held in rows.items() if held != known[key]])
        await store.judge(conn, verdicts)
        ring_on_commit(conn, *(bell(transfer) for _, transfer in verdicts))


def bell(transfer: str) -> str:
    return f"stamp:{transfer}"
