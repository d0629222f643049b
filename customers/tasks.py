from celery import shared_task

from customers import clocks, turns


@shared_task
def run_due() -> None:
    while turns.run_due_live():
        pass


@shared_task
def advance_clocks() -> None:
    while clocks.advance_clocks():
        pass
