"""Settings. Everything that differs between machines comes from the environment.

Every variable is documented in docs/reference/settings.md; a missing secret stops the start.
"""

from pathlib import Path
from typing import Any

import environ
from corsheaders.defaults import default_headers as cors_defaults
from csp.constants import NONCE, SELF
from django.core.exceptions import ImproperlyConfigured

from console.unfold import UNFOLD  # noqa: F401 - read by unfold
from core.api import logs
from core.errors import BadRequest
from core.money import Money

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent

ENVIRONMENT = env.str("ENVIRONMENT", "production")
if ENVIRONMENT not in ("development", "test", "production"):
    raise ImproperlyConfigured("ENVIRONMENT is development, test or production")
PRODUCTION = ENVIRONMENT == "production"

SECRET_KEY = env.str("SECRET_KEY")
if PRODUCTION and len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY needs at least 50 characters")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = False
BASE_URL = env.str("BASE_URL").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["*"])
CSRF_TRUSTED_ORIGINS = [BASE_URL]

INSTALLED_APPS = [
    "console",  # its templates come before those of unfold
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "csp",
    "pgtrigger",
    "django_structlog",
    "core",
    "customers",
    "plans",
    "identity",
    "subscriptions",
    "usage",
    "entitlements",
    "invoicing",
    "provisioning",
    "changes",
    "billing",
]
MIDDLEWARE = [
    "core.api.middleware.request_id",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "core.api.middleware.staff_acts",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
]
ROOT_URLCONF = "billing.urls"
WSGI_APPLICATION = "billing.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

_database: dict[str, Any] = env.db("DATABASE_URL")
if "postgresql" not in _database["ENGINE"]:
    raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database")
_database["ENGINE"] = "core.postgresql"
_database["CONN_HEALTH_CHECKS"] = True
_database["OPTIONS"] = {**_database.get("OPTIONS", {}), "connect_timeout": 5}
if env.bool("DATABASE_POOL", default=False):  # web processes only: a prefork worker closes it
    _database["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 16, "timeout": 5}
else:
    _database["CONN_MAX_AGE"] = 300
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = ["billing.formats"]

STATIC_URL = "/static/"
# Collected in the image; elsewhere files are served from where they lie.
STATIC_ROOT = env.str("STATIC_ROOT", str(BASE_DIR / "staticfiles")) if PRODUCTION else None
STORAGES = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"}}
WHITENOISE_USE_FINDERS = not PRODUCTION

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_REDIRECT_URL = "admin:index"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_AGE = 8 * 3600
SECURE_SSL_REDIRECT = PRODUCTION and env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        # unfold evaluates its Alpine.js expressions and Redoc styles itself inline
        "script-src": [SELF, NONCE, "'unsafe-eval'"],
        "style-src": [SELF, "'unsafe-inline'"],
        "img-src": [SELF, "data:"],
        "worker-src": [SELF, "blob:"],
        "frame-ancestors": ["'none'"],
    }
}
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_ALLOW_HEADERS = [
    *cors_defaults,
    "idempotency-key",
    "if-match",
    "if-none-match",
    "traceparent",
    "x-reason",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = [
    "ETag",
    "Entitlement-Revision",
    "Idempotent-Replayed",
    "Retry-After",
    "X-Request-Id",
]

LOGGING = logs.configure(ENVIRONMENT)

# The largest JSON body is 256 KiB; core.api refuses it before parsing.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.Schema",
    "EXCEPTION_HANDLER": "core.api.problems.handle",
    "DEFAULT_AUTHENTICATION_CLASSES": ["identity.authentication.BearerToken"],
    "DEFAULT_PERMISSION_CLASSES": ["core.api.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsing.StrictJsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["core.api.rendering.JsonRenderer"],
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Billing platform",
    "VERSION": "1.0.0",
    "DESCRIPTION": "Subscriptions, entitlements and provisioning of product services.",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SCHEMA_PATH_PREFIX": "/v1",
    "SORT_OPERATION_PARAMETERS": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "core.api.schema.complete",
    ],
    "ENUM_NAME_OVERRIDES": {
        "SubscriptionState": "subscriptions.states.State",
        "Timing": ["now", "period_end"],
        "TimingOrDate": ["now", "period_end", "date"],
        "ServiceStatus": "provisioning.models.ServiceStatus",
        "OverrideMode": ["at_least", "set", "add"],
        "PauseMode": ["credit", "extend"],
        "TargetState": ["active", "suspended", "deleted"],
    },
}

REDIS_URL = env.str("REDIS_URL", "")
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# No soft limit: it raises inside whatever runs, which would look like a customer's fault.
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_timeout": 2,
    "socket_connect_timeout": 0.5,
}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "redbeat.RedBeatScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_REDBEAT_REDIS_URL = REDIS_URL
CELERY_REDBEAT_REDIS_OPTIONS: dict[str, Any] = {}
CELERY_REDBEAT_LOCK_TIMEOUT = 30
# A tick that nobody took before the next ones is worth nothing: it expires.
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    name: {"task": task, "schedule": seconds, "options": {"expires": 2 * seconds}}
    for name, task, seconds in [
        ("due work", "customers.tasks.run_due", 1.0),
        ("test clocks", "customers.tasks.advance_clocks", 5.0),
        ("reactions", "core.tasks.deliver_reactions", 5.0),
        ("positions", "core.tasks.stamp_positions", 1.0),
        ("deliveries", "provisioning.tasks.deliver", 5.0),
        ("change sets", "changes.tasks.work", 5.0),
        ("clean up", "billing.tasks.clean_up", 3600.0),
    ]
}

# Provisioning may call only where the operator says so (docs/explanation/outbound-calls.md).
PRODUCT_SERVICE_HOSTS = env.list("PRODUCT_SERVICE_HOSTS", default=[])
PRODUCT_SERVICE_NETWORKS = env.list("PRODUCT_SERVICE_NETWORKS", default=[])
PRODUCT_SERVICE_HTTP_ON_LOOPBACK = not PRODUCTION

# Overrides that give away more than this, at list price, wait for somebody else's approval.
OVERRIDE_APPROVAL_ABOVE = env.dict("OVERRIDE_APPROVAL_ABOVE", default={})
try:
    for _currency, _amount in OVERRIDE_APPROVAL_ABOVE.items():
        if Money.from_major(_amount, _currency).amount < 0:
            raise BadRequest(f"{_amount} {_currency} is below zero")
except BadRequest as error:
    raise ImproperlyConfigured(f"OVERRIDE_APPROVAL_ABOVE: {error}") from error
