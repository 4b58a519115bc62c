"""The actors: a queue, an id, and the job that it rings for."""

from __future__ import annotations

import gc

import dramatiq

from worker import jobs
from worker.boot import boot
from worker.broker import build_broker
from worker.log import configure
from worker.sealers import SealersOfWorker

service = boot()
configure(service.settings.log_level)
broker = build_broker(service.settings)
broker.add_middleware(SealersOfWorker(service.sealers))
dramatiq.set_broker(broker)
# Mails make many small objects and no cycles; looking for some took a fifth of the time.
gc.freeze()
gc.set_threshold(50_000, 20, 20)


@dramatiq.actor(queue_name="sync")
def sync_mailbox(mailbox_id: int) -> None:
    """Catch up with a mailbox."""
    service.doorbell.answer("sync", mailbox_id)
    jobs.sync_mailbox(service, mailbox_id)


@dramatiq.actor(queue_name="import")
def import_mail(mailbox_id: int) -> None:
    """Take in what waits for a mailbox."""
    service.doorbell.answer("import", mailbox_id)
    jobs.import_mail(service, mailbox_id)


@dramatiq.actor(queue_name="purge")
def erase(erasure_id: int) -> None:
    """Carry out an erasure."""
    service.doorbell.answer("purge", erasure_id)
    jobs.erase(service, erasure_id)
