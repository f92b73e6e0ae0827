"""The pretend backends of the sample bookshop: users, catalogue, orders, payments on dev, test, qa. I/O.

They are what the gateway stands in front of in `gateway demo`, so nothing here knows the gateway.
"""

from .routes import routes_yaml
from .servers import USUAL_PORTS, Samples, running_samples

__all__ = ["USUAL_PORTS", "Samples", "routes_yaml", "running_samples"]
