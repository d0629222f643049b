from celery import shared_task

from billing import housekeeping


@shared_task
def clean_up() -> None:
    housekeeping.clean_up()
