"""What docker-compose.yml says of each service; the rest of that file is written by hand."""

from __future__ import annotations

from manifest import SERVICES, Service

_TOLD = {"exchange": "exchange", "postgres": "store", "mlflow": "registry"}  # anchors of the file


def services() -> str:
    """Return the services, and once more those that are others on a real exchange."""
    live = [_live(service) for service in SERVICES if _has_live(service)]
    return "\n\n".join([*map(_service, SERVICES), *live])


def volumes() -> str:
    """Return the volume of each."""
    return "\n".join(f"{service.name}:" for service in SERVICES)


def waits() -> str:
    """Return what waits for all of them on the simulated exchange."""
    return "\n".join(_healthy(service.name) for service in SERVICES)


def live_waits() -> str:
    """Return what waits for all of them on a real exchange."""
    return "\n".join(
        _healthy(f"{service.name}-live" if _has_live(service) else service.name)
        for service in SERVICES
    )


def topic_waits() -> str:
    """Return what waits for those that make the topics."""
    return "\n".join(_healthy(service.name) for service in SERVICES if service.writes)


def _has_live(service: Service) -> bool:
    return "exchange" in service.talks_to


def _healthy(name: str) -> str:
    return f"{name}: {{condition: service_healthy}}"


def _service(service: Service) -> str:
    name = service.name
    lines = [
        f"{name}: &{name}" if _has_live(service) else f"{name}:",
        "  <<: *confined",
        f"  image: {name}:${{TAG:-latest}}",
        f"  build: {{context: ., dockerfile: docker/{name}.Dockerfile}}",
    ]
    if service.single:
        lines.append(f"  container_name: realtime-{name}  # a second one would do the same again")
    lines += ["  environment:", f"    <<: {_anchors(service)}"]
    if service.reads and not service.api:
        lines.append(f"    KAFKA_WORKER: {name}")
    lines += _told(service)
    lines.append(f'  volumes: ["{name}:/state"]')
    if service.api:
        lines.append(f'  ports: ["127.0.0.1:${{API_PORT:-{service.port}}}:{service.port}"]')
    lines += [f"  mem_limit: {service.compose['memory']}", "  depends_on:"]
    lines += [f"    {_healthy(other)}" for other in ("kafka", *service.talks_to)]
    return "\n".join(lines)


def _live(service: Service) -> str:
    others = [other for other in ("kafka", *service.talks_to) if other != "exchange"]
    return "\n".join(
        [
            f"{service.name}-live:",
            f"  <<: *{service.name}",
            "  profiles: [live]",
            f"  networks: {{default: {{aliases: [{service.name}]}}}}",
            "  environment:",
            f"    <<: {_anchors(service).replace('*exchange', '*live-exchange')}",
            *([f"    KAFKA_WORKER: {service.name}"] if service.reads else []),
            *_told(service),
            "  depends_on:",
            *[f"    {_healthy(other)}" for other in others],
        ]
    )


def _told(service: Service) -> list[str]:
    told = service.compose.get("environment", {})
    return [f"    {key}: {value}" for key, value in told.items()]


def _anchors(service: Service) -> str:
    names = ["*plan", *(f"*{_TOLD[other]}" for other in service.talks_to)]
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"
