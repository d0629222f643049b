from celery import shared_task

from provisioning import delivery


@shared_task
def deliver() -> None:
    for service_id in delivery.services_due():
        deliver_service.delay(service_id=service_id)


@shared_task
def deliver_service(*, service_id: str) -> None:
    delivery.deliver_due(service_id=service_id)
