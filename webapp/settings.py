"""Django settings. A deployment changes them by environment variables, which `env.py` reads."""

import hashlib
import os
from datetime import timedelta
from typing import Any

import django_stubs_ext
from csp.constants import NONE, SELF

from webapp import env
from webapp.accounts.login_lockouts import *  # noqa: F403
from webapp.data_folder.running_site import running_site
from webapp.data_folder.secrets import secret_ensure
from webapp.databases import SQLITE, database_parts

django_stubs_ext.monkeypatch()

BASE_DIR = env.BASE_DIR
ENV, _ = env.read(os.environ)  # system_checks.environment_check reports the problems

DATA_DIR = ENV["FOVEA_DATA_DIR"]
RUNNING_SITE = running_site(DATA_DIR)  # a command uses its broker and database unless it names others
MEDIA_ROOT = DATA_DIR / "media"
MODELS_DIR = DATA_DIR / "models"
CACHE_DIR = ENV["FOVEA_CACHE_DIR"] or DATA_DIR / "cache"
SECRET_KEY = ENV["FOVEA_SECRET_KEY"] or secret_ensure(DATA_DIR / "secrets" / "secret_key")
DEBUG = ENV["FOVEA_DEBUG"]
ALLOWED_HOSTS = [*ENV["FOVEA_ALLOWED_HOSTS"], "127.0.0.1", "localhost", "[::1]"]  # health checks use the loopback
CSRF_TRUSTED_ORIGINS = ENV["FOVEA_CSRF_TRUSTED_ORIGINS"]

INSTALLED_APPS = [  # upper rooms first: when an account is deleted, its batches end before its photos
    "webapp",
    "webapp.api",
    "webapp.gallery",
    "webapp.review",
    "webapp.upkeep",
    "webapp.exchange",
    "webapp.batches",
    "webapp.captioning",
    "webapp.photos",
    "webapp.accounts",
    "webapp.counters",
    "worker",
    "training",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "axes",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "webapp.urls"
ASGI_APPLICATION = "webapp.server.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "webapp" / "templates"],
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

# --- Database: SQLite embedded, PostgreSQL in production -------------------------------------------------------------
_url = ENV["FOVEA_DATABASE_URL"] or (RUNNING_SITE.database_url if RUNNING_SITE else "")
_database: dict[str, Any] = database_parts(_url, data_dir=DATA_DIR)
if _database["ENGINE"] == SQLITE:
    # IMMEDIATE takes the write lock at BEGIN, where the time-out applies. With FULL a power cut loses no caption.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    # A silent server is abandoned after half a minute. The kernel's default is two hours.
    _database["ENGINE"] = "webapp.postgresql"
    _database["OPTIONS"] = {
        "connect_timeout": 3,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
# Few threads serve requests and tasks. Each keeps its connection for a minute, and checks it before use.
_database |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Accounts and sessions --------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "gallery"
LOGOUT_REDIRECT_URL = "login"
SIGNUP_OPEN = ENV["FOVEA_SIGNUP_OPEN"]

# Cookies belong to a host, not to a port. With one cookie name, two sites on one host would end each other's logins.
# The name depends on the port too, because a copied site has the same secret.
_told = f"{SECRET_KEY} {ENV['FOVEA_PORT']}".encode()
_site = hashlib.blake2b(_told, digest_size=4, person=b"fovea cookies").hexdigest()
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"fovea_session_{_site}", f"fovea_csrf_{_site}"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # the default storage sets another cookie
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENV["FOVEA_HTTPS"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV["FOVEA_HTTPS"] else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Uploads ----------------------------------------------------------------------------------------------------------
UPLOAD_MAX_BYTES = ENV["FOVEA_UPLOAD_MAX_BYTES"]
UPLOAD_MAX_PIXELS = ENV["FOVEA_UPLOAD_MAX_PIXELS"]
UPLOAD_MAX_FILES = ENV["FOVEA_UPLOAD_MAX_FILES"]
ZIP_MAX_BYTES = ENV["FOVEA_ZIP_MAX_BYTES"]
ZIP_MAX_FILES = ENV["FOVEA_ZIP_MAX_FILES"]
# Django refuses more files with a bare 400 before any view runs. Our views name the limit, so Django's limit is higher.
DATA_UPLOAD_MAX_NUMBER_FILES = 10 * UPLOAD_MAX_FILES + 1000
FILE_UPLOAD_HANDLERS = [
    "webapp.photos.upload_parser.MemoryUploadHandler",
    "webapp.photos.upload_parser.DiskUploadHandler",
]

# --- Queue and worker -------------------------------------------------------------------------------------------------
# Empty if no site runs. A guessed address could be the broker of another program.
BROKER_URL = ENV["FOVEA_BROKER_URL"] or (RUNNING_SITE.broker_url if RUNNING_SITE else "")
DEFAULT_BUNDLE = ENV["FOVEA_DEFAULT_BUNDLE"]
LEASE_SECONDS = 15
LEASE_RENEW_SECONDS = 5
LEASE_LIMIT = 25  # leases without a result before a photo is quarantined
SWEEP_SECONDS = 5
STALLED_SECONDS = 60  # a worker that finishes nothing for this long while work waits is unhealthy

# --- API --------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["webapp.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated", "webapp.api.permissions.TokenScope"],
    "NUM_PROXIES": 0,  # use the connection's address, which cannot be forged; behind a proxy uvicorn sets it
    "DEFAULT_THROTTLE_RATES": {"login": f"{max(5, 30 // env.web_processes(ENV))}/min"},  # per address and web process
    "EXCEPTION_HANDLER": "webapp.api.errors.error_response",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
KNOX_TOKEN_MODEL = "api.AuthToken"
MIGRATION_MODULES = {"knox": None}  # knox's own token table is unused, and would block TRUNCATE on PostgreSQL
REST_KNOX = {"TOKEN_TTL": timedelta(days=90), "AUTH_HEADER_PREFIX": "Token"}
SPECTACULAR_SETTINGS = {
    "TITLE": "Fovea",
    "DESCRIPTION": "Upload photos, get captions. Log in for a token and send it as `Authorization: Token ...`.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "ENUM_NAME_OVERRIDES": {
        "CaptionState": "webapp.captioning.models.CaptionJob.State",
        "BatchState": "webapp.batches.models.Batch.State",
    },
}

# --- The rest ---------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "webapp" / "static"]
WHITENOISE_USE_FINDERS = True  # no collectstatic step
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": ENV["FOVEA_LOG_LEVEL"]},
}
