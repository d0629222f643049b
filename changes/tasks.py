from celery import shared_task

from changes import working

ROUNDS = 50  # then other work gets the worker; the next tick goes on


@shared_task
def work() -> None:
    for _ in range(ROUNDS):
        if not working.work():
            return
