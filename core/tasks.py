from celery import shared_task

from core import events


@shared_task
def deliver_reactions() -> None:
    events.deliver_pending()


@shared_task
def stamp_positions() -> None:
    events.stamp_positions()
