"""What Prometheus asks, and which services have to answer."""

from __future__ import annotations

from manifest import SERVICES

_JOBS = [service.deployed for service in SERVICES]
_ANY = f'up{{job=~"{"|".join(_JOBS)}"}}'


def targets() -> str:
    """Return a job for each service, as docker compose names where it is."""
    return "\n".join(
        f"- job_name: {service.deployed}\n"
        f'  static_configs: [{{targets: ["{service.name}:{service.port}"]}}]'
        for service in SERVICES
    )


def alerts() -> str:
    """Return the alerts on an instance that does not answer, and on a service without any."""
    absent = "\n    or ".join(f'absent(up{{job="{job}"}})' for job in _JOBS)
    return f"""\
- alert: ServiceDown
  expr: {_ANY} == 0
  for: 1m
  labels: {{severity: critical}}
  annotations:
    summary: "{{{{ $labels.job }}}} at {{{{ $labels.instance }}}} does not answer"
    runbook: docs/runbooks/ServiceDown.md

- alert: ServiceMissing
  expr: >-
    {absent}
  for: 2m
  labels: {{severity: critical}}
  annotations:
    summary: "No instance of {{{{ $labels.job }}}} is known"
    runbook: docs/runbooks/ServiceMissing.md"""


def known() -> str:
    """Return the series of a test in which all services but the last are known all the time."""
    *others, last = _JOBS
    lines = [
        f"""- {{series: 'up{{job="{job}", instance="a"}}', values: '1x20'}}""" for job in others
    ]
    return "\n".join(
        [*lines, f"""- {{series: 'up{{job="{last}", instance="a"}}', values: '1x6 stale'}}"""]
    )


def missed() -> str:
    """Return what that test expects of the last."""
    return f"""\
- exp_labels: {{severity: critical, job: {_JOBS[-1]}}}
  exp_annotations:
    summary: No instance of {_JOBS[-1]} is known
    runbook: docs/runbooks/ServiceMissing.md"""


def answering() -> str:
    """Return the chart of how many instances of each answer."""
    return f"""\
- title: Services that answer
  unit: short
  show:
    "{{{{job}}}}": >-
      sum by (job) ({_ANY})"""
