"""What the chart's values say of each service."""

from __future__ import annotations

import json

from manifest import SERVICES, Service

# Not /health for the API: that is 503 where a market is stale, and then all pods would go at once.
# Old data is still answered, and said to be old.
_STREAM = "{startup: /metrics, liveness: /metrics, readiness: /health}"
_API = "{startup: /live, liveness: /live, readiness: /live}"


def services() -> str:
    """Return the services by the name of their Deployment."""
    return "\n".join(map(_service, SERVICES))


def _service(service: Service) -> str:
    lines = [f"{service.deployed}:", f"  image: {service.name}", f"  port: {service.port}"]
    if service.single:
        lines.append("  singleton: true")
    if service.sharded:
        lines.append("  sharded: true")
    if service.sharded or not service.single:
        lines.append(f"  replicas: {2 if service.api else 1}")
    lines.append(f"  talksTo: [{', '.join(['kafka', *service.talks_to])}]")
    if service.api:
        lines.append("  drainSeconds: 5")  # until every proxy knows that a pod goes
    lines.append(f"  env: {_flow(service.listens)}")
    lines.append(f"  probes: {_API if service.api else _STREAM}")
    lines += ["  resources:", *[f"    {k}: {_flow(v)}" for k, v in service.resources.items()]]
    return "\n".join(lines)


def _flow(values: dict[str, str]) -> str:
    pairs = [
        f"{key}: {json.dumps(value) if value.isdigit() else value}" for key, value in values.items()
    ]
    return f"{{{', '.join(pairs)}}}"
