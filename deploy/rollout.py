#!/usr/bin/env python3
"""Give a service on Cloud Run a new image, and traffic only when the new revision works.

    deploy/rollout.py IMAGE --region europe-west1

The revision is deployed without traffic under the tag "candidate", tried at the tag's own address
by smoke.py, and then gets all traffic. The service's settings stay, and deploy/service.yaml is
applied. Where anything fails, the old revision goes on as before, and the exit code is 1.

Whoever runs it has to be let in. Through Identity-Aware Proxy, --account signs an assertion, for
which it needs roles/iam.serviceAccountTokenCreator on itself; else gcloud's identity token does.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TAG = "candidate"
IAP = "run.googleapis.com/iap-enabled"
ASSERTION_S = 1800


class Failure(Exception):
    """What did not work, in words for a person."""


def gcloud(*arguments: str) -> str:
    """What the command prints; it is told before, and its errors go to stderr."""
    print("$ gcloud", *arguments, file=sys.stderr, flush=True)
    done = subprocess.run(["gcloud", *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Failure(f"gcloud {' '.join(arguments[:3])} ended with {done.returncode}")
    return done.stdout


def deploy(service: str, region: str, image: str) -> None:
    """Make a revision of the image, under the tag and without traffic."""
    gcloud(
        "run", "deploy", service, f"--image={image}", f"--region={region}", "--no-traffic",
        f"--tag={TAG}", f"--flags-file={HERE / 'service.yaml'}", "--quiet",
    )  # fmt: skip


def describe(service: str, region: str) -> dict[str, Any]:
    """The service as Cloud Run describes it."""
    found: dict[str, Any] = json.loads(
        gcloud("run", "services", "describe", service, f"--region={region}", "--format=json")
    )
    return found


def candidate_of(service: dict[str, Any]) -> tuple[str, str]:
    """Name and address of the revision under the tag."""
    for target in service["status"].get("traffic", ()):
        if target.get("tag") == TAG:
            return target["revisionName"], target["url"]
    raise Failure(f"no revision has the tag {TAG}")


def serving(service: dict[str, Any]) -> str:
    """The revision that has most of the traffic; empty if none has any."""
    shares = {
        target["revisionName"]: target.get("percent", 0)
        for target in service["status"].get("traffic", ())
        if target.get("percent")
    }
    return max(shares, key=lambda name: shares[name], default="")


def settings_of(service: dict[str, Any]) -> dict[str, str]:
    """The variables that are set in the open."""
    [container] = service["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one.get("value", "") for one in container.get("env", ())}


def header_for(service: dict[str, Any], url: str, account: str) -> str:
    """The header that lets a caller in."""
    if service["metadata"].get("annotations", {}).get(IAP) != "true":
        address = service["status"]["url"]
        token = gcloud("auth", "print-identity-token", f"--audiences={address}")
        return f"X-Serverless-Authorization: Bearer {token.strip()}"
    if not account:
        raise Failure("the service is behind Identity-Aware Proxy: --account is needed")
    now = int(time.time())
    claims = {
        "iss": account, "sub": account, "aud": f"{url}/*", "iat": now, "exp": now + ASSERTION_S,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        given, signed = Path(folder, "claims.json"), Path(folder, "signed")
        given.write_text(json.dumps(claims))
        gcloud("iam", "service-accounts", "sign-jwt", f"--iam-account={account}",
               str(given), str(signed))  # fmt: skip
        return f"Proxy-Authorization: Bearer {signed.read_text().strip()}"


def smoke(service: dict[str, Any], url: str, account: str) -> None:
    """Try the revision at that address with what the service stores in; Failure if it fails."""
    settings = settings_of(service)
    command = [sys.executable, str(HERE / "smoke.py"), url]
    if settings.get("LABELER_AUTH") == "oidc":
        command.append("--only-ready")  # nobody but a person can sign in
    command += ["--storage", settings["LABELER_STORAGE"]]
    if "LABELER_UPLOADS" in settings:
        command += ["--uploads", settings["LABELER_UPLOADS"]]
    environ = {**os.environ, "SMOKE_HEADER": header_for(service, url, account)}
    if subprocess.run(command, env=environ, check=False).returncode:
        raise Failure(f"the new revision does not work; it stays at {url}, without traffic")


def main(arguments: list[str]) -> int:
    """Roll out, or say what failed; the exit code."""
    parser = argparse.ArgumentParser(
        prog="rollout.py", description="Give a service a new image, and traffic when it works."
    )
    parser.add_argument("image", help="by digest: HOST/PROJECT/REPOSITORY/NAME@sha256:...")
    parser.add_argument("--region", required=True)
    parser.add_argument("--service", default="labeler")
    parser.add_argument("--account", default="", help="the service account that runs this")
    given = parser.parse_args(arguments)
    try:
        before = serving(describe(given.service, given.region))
        deploy(given.service, given.region, given.image)
        service = describe(given.service, given.region)
        revision, url = candidate_of(service)
        smoke(service, url, given.account)
        traffic = ("run", "services", "update-traffic", given.service, f"--region={given.region}")
        gcloud(*traffic, f"--to-revisions={revision}=100", "--quiet")
    except Failure as failure:
        print(f"rollout.py: {failure}", file=sys.stderr)
        return 1
    print(f"{revision} has all traffic.")
    if before:
        print(f"Back to the one before: gcloud {' '.join(traffic)} --to-revisions={before}=100")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
