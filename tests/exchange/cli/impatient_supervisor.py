"""``ffp`` with a supervisor that soon takes a silent process for one that hangs."""

from exchange.cli.main import run
from exchange.cli.serving import supervisor

if __name__ == "__main__":
    supervisor.HUNG_S = 4.0  # type: ignore[misc]
    run()
