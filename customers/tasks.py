from celery import shared_task

from customers import clocks, turns

ROUNDS = 50  # then other work gets the worker; the next tick goes on


@shared_task
def run_due() -> None:
    for _ in range(ROUNDS):
        if not turns.run_due_live():
            return


@shared_task
def advance_clocks() -> None:
    for _ in range(ROUNDS):
        if not clocks.advance_clocks():
            return
