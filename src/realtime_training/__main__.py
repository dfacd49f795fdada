"""The `realtime` command, also as `python -m realtime_training`."""

from marketstream import interrupts


def main() -> None:
    """Run the command; Ctrl-C while it is being imported is an end like any other."""
    interrupts.leave_at_once()
    from realtime_training.commands import main as run

    run()


if __name__ == "__main__":
    main()
