"""The commands of this app, one file per verb; the only writers of the catalog."""

from plans.services.applying import CatalogInvalid, apply_catalog, export_catalog, plan_catalog
from plans.services.publishing import (
    VersionNotPublishable,
    archive_version,
    publish_version,
)

__all__ = [
    "CatalogInvalid",
    "VersionNotPublishable",
    "apply_catalog",
    "archive_version",
    "export_catalog",
    "plan_catalog",
    "publish_version",
]
