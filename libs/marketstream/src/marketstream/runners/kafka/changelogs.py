"""The topics on which the state of a stage lies, for whoever takes over its markets."""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaException  # type: ignore[import-untyped]
from confluent_kafka.admin import (  # type: ignore[import-untyped]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)
from loguru import logger
from quixstreams import Application

_ANSWER_S = 10.0
# Only whole segments are compacted, and a segment has a gibibyte by default: days of snapshots.
_SHORT = {"segment.bytes": str(16 * 2**20), "segment.ms": str(3_600_000)}


def admin_of(application: Application) -> AdminClient:
    """Return a client that looks after the topics and groups of an application's broker."""
    address: Any = application.config.broker_address
    return AdminClient(address.as_librdkafka_dict())


def changelogs(application: Application, admin: AdminClient) -> list[str]:
    """Return the changelogs that an application's group has."""
    beginning = f"changelog__{application.config.consumer_group}--"
    known = admin.list_topics(timeout=_ANSWER_S).topics
    return [name for name in known if name.startswith(beginning)]


def keep_short(application: Application) -> None:
    """Have the broker compact the changelogs early, so that there is little to read at a start.

    A broker that does not let us compacts them when it does; that is logged.
    """
    admin = admin_of(application)
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in _SHORT.items()
    ]
    try:
        ours = [
            ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries)
            for name in changelogs(application, admin)
        ]
        for altered in admin.incremental_alter_configs(ours).values() if ours else ():
            altered.result(_ANSWER_S)
    except KafkaException as error:
        logger.warning("Changelogs may grow long", reason=str(error), wanted=_SHORT)
