"""The prediction-api service: `python -m prediction_api` serves what the topics bring."""

from __future__ import annotations

import asyncio

from marketstream.service import Service, main
from prediction_api.serving import Serving


def run(service: Service) -> None:
    """Serve until a signal comes."""
    asyncio.run(Serving(service).run())


if __name__ == "__main__":
    main("prediction-api", __file__, None, run)
