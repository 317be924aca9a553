"""Every DRIFTLINE_* setting: its name, default and meaning; read once, at the start of a command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1 << 20


class Settings(BaseSettings):
    """What the server and its workers are told from outside; each field is `DRIFTLINE_` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="DRIFTLINE_", env_file=None, extra="ignore", frozen=True)

    home: Annotated[Path, Field(description="Folder of the database, the capture journal and the logs.")] = Path(
        ".driftline"
    )
    database_url: Annotated[str, Field(description="SQLAlchemy URL; empty: SQLite in the home folder.")] = ""
    host: Annotated[str, Field(description="Address to listen on; loopback unless told otherwise.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")] = 8766
    public_url: Annotated[
        str, Field(description="Address at which people reach the server, for links in messages; empty: host and port.")
    ] = ""
    region: Annotated[str, Field(description="Region in the ARNs; must be one that the AWS tools know.")] = "us-east-1"
    account: Annotated[str, Field(pattern=r"^\d{12}$", description="Account number in the ARNs.")] = "000000000000"
    access_key: Annotated[str, Field(description="Access key of the first user; made at first start if empty.")] = ""
    secret_key: Annotated[SecretStr, Field(description="Its secret; made at first start if empty.")] = SecretStr("")
    max_body_bytes: Annotated[int, Field(gt=0, description="Largest request that is read.")] = 100 * MIB
    requests_per_second: Annotated[float, Field(gt=0, description="Requests a second that a key may make.")] = 1000.0
    failures_per_minute: Annotated[
        float, Field(gt=0, description="Wrong keys and signatures a minute that one address may try.")
    ] = 300.0
    allowed_hosts: Annotated[
        tuple[str, ...],
        Field(description="Hosts and networks that models and queues may be called at; empty: all but link-local."),
    ] = ()
    channel_hosts: Annotated[
        tuple[str, ...],
        Field(description="Hosts and networks beside public ones that alerts go to; on loopback also private ones."),
    ] = ()
    allowed_buckets: Annotated[
        tuple[str, ...], Field(description="Buckets that requests may name, by patterns such as churn-*; empty: all.")
    ] = ()
    allowed_folders: Annotated[
        tuple[str, ...],
        Field(description="Folders that imports and baselines may be read from; empty: on loopback all, else none."),
    ] = ()
    prove_buckets: Annotated[
        bool | None,
        Field(description="Imports and baselines need a tag of the bucket; empty: on servers beyond loopback."),
    ] = None
    images: Annotated[dict[str, str], Field(description="Local commands for container images, by image URI.")] = {}
    models: Annotated[
        dict[str, str], Field(description="Where models are served: URLs by container image or model name.")
    ] = {}
    workers: Annotated[int, Field(ge=0, description="Runs at a time in this process; 0: as many as processors.")] = 0
    job_memory_bytes: Annotated[int, Field(gt=0, description="Memory that one run may use.")] = 4096 * MIB
    lease_seconds: Annotated[float, Field(gt=0, description="How long work belongs to a worker that is silent.")] = 30.0
    poll_seconds: Annotated[float, Field(gt=0, description="How often workers look for work.")] = 0.5
    attempts: Annotated[int, Field(ge=1, description="How often work is begun before it counts as failed.")] = 3
    delay_seconds: Annotated[
        float, Field(ge=0, description="How long after its scheduled time a run begins, for the last captured calls.")
    ] = 3.0
    catch_up: Annotated[int, Field(ge=0, description="Missed windows of a schedule that are run after a break.")] = 24
    schedules: Annotated[int, Field(gt=0, description="Monitoring schedules that may exist.")] = 10_000
    cloudwatch: Annotated[bool, Field(description="Send the metrics of scheduled runs to CloudWatch.")] = False
    metric_days: Annotated[
        float, Field(gt=0, description="Days for which metrics, histories of alarms and sent notices are kept.")
    ] = 455.0
    metric_features: Annotated[
        int, Field(ge=0, description="Features of a model that /metrics tells of, the worst first.")
    ] = 50
    metric_series: Annotated[
        int, Field(ge=0, description="Series of features that /metrics tells in all, the worst first.")
    ] = 10_000
    otel_endpoint: Annotated[
        str,
        Field(
            description="Address of an OpenTelemetry collector (OTLP over HTTP) that is sent all metrics; empty: none."
        ),
    ] = ""
    otel_seconds: Annotated[float, Field(gt=0, description="How often.")] = 60.0
    audit_days: Annotated[float, Field(gt=0, description="Days for which the audit log is kept.")] = 1095.0
    cloudwatch_url: Annotated[str, Field(description="What takes its PutMetricData; empty: CloudWatch itself.")] = ""
    empty_window_completes: Annotated[
        bool, Field(description="An hour without data is Completed, not Failed as in SageMaker.")
    ] = False

    tables: Annotated[
        str, Field(description="Folder or URI of the tables of inferences; empty: `tables` in the home folder.")
    ] = ""
    file_attempts: Annotated[
        int, Field(ge=1, description="How often the reading of a file may end its process before the file fails.")
    ] = 10
    label_days: Annotated[
        float, Field(ge=0, description="A window is run again for labels that come so long after it; 0: never.")
    ] = 30.0
    label_poll_seconds: Annotated[float, Field(gt=0, description="How often late labels are looked for.")] = 60.0

    oidc_issuer: Annotated[
        str, Field(description="Address of the OpenID Connect provider that signs people in; empty: only keys do.")
    ] = ""
    oidc_client_id: Annotated[str, Field(description="What the provider calls this server.")] = ""
    oidc_client_secret: Annotated[
        str, Field(description="Where its secret is: env:NAME or file:/PATH; empty for a client without one.")
    ] = ""
    oidc_scopes: Annotated[tuple[str, ...], Field(description="What the provider is asked for beside openid.")] = (
        "email",
        "profile",
    )
    oidc_groups_claim: Annotated[
        str, Field(description="The claim of the ID token that holds groups; one within another: a.b.")
    ] = "groups"
    oidc_roles: Annotated[
        dict[str, dict[str, str]],
        Field(description="Roles (viewer, editor, admin) by group or verified e-mail address, then space; * is all."),
    ] = {}
    oidc_hosts: Annotated[
        tuple[str, ...],
        Field(description="Hosts and networks, beside public ones and the issuer's, at which the provider is asked."),
    ] = ()
    oidc_session_minutes: Annotated[
        float, Field(gt=0, le=1440, description="How long people stay signed in, with the roles they came with.")
    ] = 60.0

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine reaches the server."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    @property
    def tables_root(self) -> str:
        """Where the tables of inferences are."""
        return self.tables.rstrip("/") or str((self.home / "tables").resolve())

    @property
    def url(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{(self.home / 'driftline.sqlite').resolve()}"
