"""The Django project: settings, urls, wiring, Celery. No billing logic."""

from billing.celery import app as celery_app

__all__ = ["celery_app"]
