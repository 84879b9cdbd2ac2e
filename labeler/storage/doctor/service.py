"""Check a service on Cloud Run by its description. Pure.

The description is the output of `gcloud run services describe NAME --format=json`: a Knative
Service, https://cloud.google.com/run/docs/reference/rest/v1/namespaces.services. It holds the
service's settings, not who may call it. IAM decides that, and one finding says how to look it up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from labeler.errors import LabelerError, SettingsError
from labeler.settings import Settings, StoreKind, load_settings, unknown_settings
from labeler.storage.doctor.findings import Finding, fault, ok, warning

_RUN: Final = "run.googleapis.com/"
_SECRET: Final = "LABELER_SECRET_KEY"  # noqa: S105 - its name
_UNKNOWN_SECRET: Final = "0" * 64
"""Stands for what only Secret Manager knows."""
_INDEX: Final = "LABELER_INDEX"
_UNKNOWN_INDEX: Final = "postgresql+psycopg://secret"
_PROBE: Final = "/api/health"
_LONGEST_S: Final = 3600
_LEAST_CONCURRENCY: Final = 10
_LEAST_MIB: Final = 2048
_UNITS: Final = {"Ki": 2**-10, "Mi": 1, "Gi": 2**10, "k": 1e3 / 2**20, "M": 1e6 / 2**20,
                 "G": 1e9 / 2**20}  # fmt: skip


def examine_service(text: str) -> Iterator[Finding]:
    """Findings about the service that `text` describes; LabelerError if it describes none."""
    try:
        described = json.loads(text)
        template = described["spec"]["template"]
        container = template["spec"]["containers"][0]
        if described["kind"] != "Service":
            raise KeyError("kind")
    except (ValueError, LookupError, TypeError) as error:
        raise LabelerError(
            "This describes no service of Cloud Run. Give what this prints: "
            "gcloud run services describe NAME --region=REGION --format=json"
        ) from error
    yield from _Service(described, template, container).findings()


class _Service:
    """One description, parsed."""

    def __init__(
        self, described: dict[str, Any], template: dict[str, Any], container: dict[str, Any]
    ) -> None:
        metadata = described["metadata"]
        self._name = str(metadata.get("name", "NAME"))
        self._project = str(metadata.get("namespace", ""))
        labels = metadata.get("labels", {})
        self._region = str(labels.get("cloud.googleapis.com/location", "REGION"))
        self._notes = {
            **metadata.get("annotations", {}),
            **template.get("metadata", {}).get("annotations", {}),
        }
        self._spec = template["spec"]
        self._container = container
        self._conditions = described.get("status", {}).get("conditions", ())
        self._variables = {one["name"]: one for one in container.get("env", ())}
        self._iap = self._is_on(f"{_RUN}iap-enabled")
        self._update = f"gcloud run services update {self._name} --region={self._region}"

    def findings(self) -> Iterator[Finding]:
        yield from self._state()
        settings: Settings | None = None
        try:
            settings = load_settings(self._environ())
        except SettingsError as error:
            yield fault(error.message, "A revision with it does not start.", self._set_variable())
        for line in unknown_settings(self._environ()):
            yield warning(line, "What it was meant to set is not set.", self._set_variable())
        yield self._secret()
        if settings is not None:
            yield from self._data(settings)
            yield from self._index(settings)
            yield from self._sign_in(settings)
        yield from self._pages_that_stay_open()
        yield from self._instances()
        yield from self._probes()
        yield self._account()
        yield ok("CORS: nothing to set; pages, calls and images come from one address")

    def _is_on(self, note: str) -> bool:
        return str(self._notes.get(note, "")).lower() == "true"

    def _environ(self) -> dict[str, str]:
        """The environment variables as the program gets them."""
        seen = {"K_SERVICE": self._name}
        for name, one in self._variables.items():
            unknown = _UNKNOWN_INDEX if name == _INDEX else _UNKNOWN_SECRET
            seen[name] = unknown if "valueFrom" in one else str(one.get("value", ""))
        return {name: value for name, value in seen.items() if name != "PORT"}

    def _set_variable(self) -> str:
        return f"{self._update} --update-env-vars=VARIABLE=VALUE"

    def _state(self) -> Iterator[Finding]:
        """Whether the newest revision runs."""
        for condition in self._conditions:
            if condition.get("type") == "Ready":
                if condition.get("status") == "True":
                    yield ok(f"The service {self._name} runs in {self._region}")
                else:
                    yield fault(
                        f"The service {self._name} is not ready: {condition.get('message', '')}",
                        "The newest revision does not serve anybody.",
                        f"gcloud run services logs read {self._name} --region={self._region}",
                    )

    # --- settings -------------------------------------------------------------------------

    def _secret(self) -> Finding:
        given = self._variables.get(_SECRET, {})
        if "valueFrom" in given:
            return ok(f"{_SECRET} comes from Secret Manager")
        repair = f"{self._update} --update-secrets={_SECRET}=labeler-secret-key:latest"
        if given.get("value"):
            return warning(
                f"{_SECRET} stands in the open",
                "Whoever may look at the service can read it, and sign as anybody.",
                f"{self._update} --remove-env-vars={_SECRET} && {repair}",
            )
        return fault(f"{_SECRET} is not set", "A revision without it does not start.", repair)

    def _data(self, settings: Settings) -> Iterator[Finding]:
        repair = f"{self._update} --update-env-vars=LABELER_STORAGE=gs://BUCKET"
        if settings.storage.kind is StoreKind.BUCKET:
            yield ok(f"Documents are kept in {settings.storage}")
        else:
            yield fault(
                f"Documents are kept in the folder {settings.storage} of each instance",
                "They end with the instance, and no other instance sees them.",
                repair,
            )
        most = self._most_instances()
        if settings.uploads is None and most != 1:
            yield fault(
                f"Originals are not kept (LABELER_UPLOADS=off), with up to {most} instances",
                "An image is in the memory of the one instance that received it; others can't show "
                "it.",
                f"{self._update} --max-instances=1",
            )
        elif (
            settings.uploads is not None
            and settings.uploads.kind is not StoreKind.BUCKET
            and settings.uploads.prefix_in(settings.storage) is None
        ):
            yield fault(
                f"Originals are kept in the folder {settings.uploads} of each instance",
                "They end with the instance.",
                f"{self._update} --update-env-vars=LABELER_UPLOADS=gs://BUCKET",
            )

    def _index(self, settings: Settings) -> Iterator[Finding]:
        """Whether every instance has the same index, and can reach it."""
        if not settings.index:
            return
        sockets = re.search(r"/cloudsql/([^&\s]+)", settings.index)
        reached = str(self._notes.get(f"{_RUN}cloudsql-instances", ""))
        if settings.index.startswith("sqlite"):
            yield fault(
                "The index of images is in a file of each instance (LABELER_INDEX=sqlite:...)",
                "No instance sees the saves of the others in its list.",
                f"{self._update} --remove-env-vars={_INDEX}",
            )
        elif sockets and sockets[1] not in reached.split(","):
            yield fault(
                f"The index of images is in {sockets[1]}, which the service is not connected to",
                "Pages are answered from the bucket, which is slow for many images.",
                f"{self._update} --add-cloudsql-instances={sockets[1]}",
            )
        else:
            connected = f", connected to {reached}" if reached else ""
            yield ok(f"A database answers about many images (LABELER_INDEX{connected})")
        if re.search("://[^/@]*:[^/@]+@", settings.index) and settings.index != _UNKNOWN_INDEX:
            yield warning(
                f"{_INDEX} holds a password and stands in the open",
                "Whoever may look at the service can read it.",
                f"{self._update} --remove-env-vars={_INDEX} && "
                f"{self._update} --update-secrets={_INDEX}=labeler-index:latest",
            )

    def _sign_in(self, settings: Settings) -> Iterator[Finding]:
        """Whether IAP and LABELER_AUTH agree on who identifies people."""
        beta = self._update.replace("gcloud run", "gcloud beta run")
        if settings.auth == "iap":
            if self._iap:
                yield ok("Identity-Aware Proxy asks who comes (LABELER_AUTH=iap)")
            elif "/backendServices/" in settings.iap_audience:
                yield ok("Identity-Aware Proxy of a load balancer asks who comes")
            else:
                yield fault(
                    "LABELER_AUTH=iap, but Identity-Aware Proxy is off",
                    "Nobody is let in.",
                    f"{beta} --iap",
                )
            yield from self._audience(settings.iap_audience)
        elif self._iap:
            variables = "LABELER_AUTH=iap,LABELER_IAP_AUDIENCE="
            audience = f"/projects/NUMBER/locations/{self._region}/services/{self._name}"
            yield warning(
                f"Identity-Aware Proxy is on, but LABELER_AUTH={settings.auth}",
                "It decides who comes in, but no save has a name and everybody may do everything.",
                f"{self._update} --update-env-vars={variables}{audience}",
            )
        elif settings.auth == "none":
            yield from self._nobody_asked(beta)
        else:
            yield ok("An OpenID provider tells who comes (LABELER_AUTH=oidc)")

    def _nobody_asked(self, beta: str) -> Iterator[Finding]:
        if self._is_on(f"{_RUN}invoker-iam-disabled"):
            yield fault(
                "Everybody on the internet may call the service, and nobody is asked who they are",
                "They can see, change and wipe out everything.",
                f"{self._update} --invoker-iam-check && {beta} --iap",
            )
        else:
            yield warning(
                "Nobody is asked who they are (LABELER_AUTH=none, Identity-Aware Proxy is off)",
                "Whoever may call the service can do everything. See that it is not allUsers.",
                f"gcloud run services get-iam-policy {self._name} --region={self._region}",
            )

    def _audience(self, audience: str) -> Iterator[Finding]:
        """Check that the audience is this service; otherwise every assertion is refused."""
        given = re.fullmatch(r"/projects/([0-9]+)/locations/([^/]+)/services/([^/]+)", audience)
        if given is None:
            return
        project = self._project if self._project.isdecimal() else given[1]
        region = given[2] if self._region == "REGION" else self._region
        right = f"/projects/{project}/locations/{region}/services/{self._name}"
        if audience != right:
            yield fault(
                f"LABELER_IAP_AUDIENCE={audience} is another service's; this one's is {right}",
                "Every assertion is refused: nobody is let in.",
                f"{self._update} --update-env-vars=LABELER_IAP_AUDIENCE={right}",
            )

    # --- configuration --------------------------------------------------------------------

    def _pages_that_stay_open(self) -> Iterator[Finding]:
        seconds = int(self._spec.get("timeoutSeconds", 300))
        if seconds >= _LONGEST_S:
            yield ok(f"An open page is connected for {seconds // 60} minutes at a time")
        else:
            yield warning(
                f"Cloud Run cuts each connection after {seconds / 60:g} minutes",
                "An open page has to connect again as often, and perhaps begins on a new instance.",
                f"{self._update} --timeout={_LONGEST_S}",
            )
        if self._is_on(f"{_RUN}sessionAffinity"):
            yield ok("A browser comes back to its instance (session affinity)")
        else:
            yield warning(
                "Session affinity is off",
                "A page that connects again mostly begins anew on another instance.",
                f"{self._update} --session-affinity",
            )
        if self._is_on(f"{_RUN}startup-cpu-boost"):
            yield ok("A starting instance gets more CPU")
        else:
            yield warning(
                "CPU boost is off",
                "The first person after a quiet time waits longer.",
                f"{self._update} --cpu-boost",
            )
        if str(self._notes.get(f"{_RUN}cpu-throttling", "")).lower() == "false":
            yield ok("The CPU stays while no request runs: saving goes on after a page is closed")
        else:
            yield warning(
                "The CPU is taken away while no request runs",
                "What the last page has not yet saved when it closes waits for the next request, "
                "or for the instance's end.",
                f"{self._update} --no-cpu-throttling",
            )
        if any(port.get("name") == "h2c" for port in self._container.get("ports", ())):
            yield fault(
                "End-to-end HTTP/2 is on",
                "Pages need websockets, which do not work with it: no page opens.",
                f"{self._update} --no-use-http2",
            )

    def _most_instances(self) -> str | int:
        given = (
            self._notes.get("autoscaling.knative.dev/maxScale")
            or self._notes.get(f"{_RUN}maxScale")
            or ""
        )
        return int(given) if str(given).isdecimal() else "any number of"

    def _instances(self) -> Iterator[Finding]:
        concurrency = int(self._spec.get("containerConcurrency") or 80)
        if concurrency < _LEAST_CONCURRENCY:
            yield warning(
                f"An instance takes {concurrency} requests at once",
                "An open page holds one and asks for images beside it: each needs an instance, "
                "or even several.",
                f"{self._update} --concurrency=40",
            )
        else:
            yield ok(f"{concurrency} requests at once, up to {self._most_instances()} instances")
        given = str(self._container.get("resources", {}).get("limits", {}).get("memory", "512Mi"))
        amount = re.fullmatch(r"([0-9.]+)([KMG]i|[kMG])", given)
        if amount and float(amount[1]) * _UNITS[amount[2]] < _LEAST_MIB:
            yield warning(
                f"An instance has {given} of memory",
                "A large image takes up to 1.2 GB while it is looked at, or a copy of it is made.",
                f"{self._update} --memory=2Gi",
            )

    def _probes(self) -> Iterator[Finding]:
        """Check the probes: unknown addresses answer 200, so a wrong path always passes."""
        for name, flag in (("startupProbe", "startup-probe"), ("livenessProbe", "liveness-probe")):
            asks = self._container.get(name, {}).get("httpGet")
            if asks is None:
                continue
            path = str(asks.get("path", "/"))
            repair = f"{self._update} --{flag}=httpGet.path={_PROBE}"
            if path == _PROBE:
                yield ok(f"The {name} asks {path}")
            elif path == "/api/ready":
                yield warning(
                    f"The {name} asks /api/ready",
                    "While the bucket does not answer, instances with unsaved boxes are ended.",
                    repair,
                )
            else:
                yield warning(
                    f"The {name} asks {path}",
                    f"Only {_PROBE} tells whether an instance is well.",
                    repair,
                )

    def _account(self) -> Finding:
        account = str(self._spec.get("serviceAccountName", ""))
        if not account or account.endswith("-compute@developer.gserviceaccount.com"):
            return warning(
                "The service runs as the project's default account",
                "That one often may change everything in the project. deploy/setup.sh makes one "
                "that may use the bucket and its secret, and nothing else.",
                f"{self._update} --service-account=labeler@PROJECT.iam.gserviceaccount.com",
            )
        return ok(f"The service runs as {account}")
