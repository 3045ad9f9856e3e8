"""The file of enrolments, as an earlier version had it."""

import random
import time
from pathlib import Path

import msgspec
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from pushgate.database.sqlite import SqliteDatabase
from pushgate.mdm import enrolments
from pushgate.mdm.tables import MDM_SCHEMA
from pushgate.model.metrics import Metrics
from pushgate.plugin.context import Context
from tests.samples import TOKEN

AT = 1_700_000_000.0
BEFORE_CHECK_OUTS = msgspec.structs.replace(MDM_SCHEMA, steps=MDM_SCHEMA.steps[:1])


def enrol(session):
    """An enrolment as the first version wrote it."""
    session.execute(
        "INSERT INTO enrolments (app, sha256, token, push_magic, topic, keep_awake, enrolled_at, pushes, "
        "waiting, reason, due_at) VALUES ('devices', ?, ?, 'm', 'com.apple.mgmt.1', 1, ?, 0, 0, '', ?)",
        (enrolments.sha256_of(TOKEN), TOKEN, AT, AT + 1),
    )


class EarlierVersionTests(TestCase):
    async def opened(self, file, schema):
        context = Context(reactor=reactor, wall=time.time, jitter=random.random, metrics=Metrics())
        database = SqliteDatabase(file, context, schema)
        database.start()
        self.addCleanup(database.stop)
        return database

    async def test_one_of_before_check_outs(self):
        """It opens, its enrolments are due as they were, and a check-out is kept in it."""
        file = Path(self.mktemp()) / "enrolments.sqlite"
        earlier = await self.opened(file, BEFORE_CHECK_OUTS)
        await earlier.write(enrol)
        await earlier.stop()
        database = await self.opened(file, MDM_SCHEMA)
        [kept] = await database.read(enrolments.of_token, "devices", TOKEN)
        self.assertEqual((kept.checked_out_at, kept.keep_awake, kept.has_left), (None, True, False))
        self.assertEqual(await database.read(enrolments.due, AT + 1, 10), ([kept.id], None))
        left = await database.write(enrolments.check_out, "devices", TOKEN, None, AT + 2)
        self.assertEqual(left, kept)
        await database.stop()
        again = await self.opened(file, MDM_SCHEMA)
        [kept] = await again.read(enrolments.of_token, "devices", TOKEN)
        self.assertEqual((kept.checked_out_at, kept.has_left), (AT + 2, True))
        self.assertEqual(await again.read(enrolments.due, AT + 1, 10), ([], None))
