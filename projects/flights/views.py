"""How late things have run lately: by airport, carrier, carrier at its airport, and route."""

from projects.flights.sources import flights, planes
from tidemill import Entity, Expr, FeatureView, col, latest, mean, rate

LATE: Expr = col("arr_delay") > 15  # minutes; null, and so no observation, for a flight that never arrived


def delays_of(entity: Entity) -> FeatureView:
    """Declare the late rates and mean arrival delays of an entity over the last two and four weeks."""
    name = entity.name
    return FeatureView(
        f"{name}_delays",
        entity=entity,
        source=flights,
        features={
            f"{name}_late_rate_14d": rate(LATE, over="14d"),
            f"{name}_late_rate_28d": rate(LATE, over="28d"),
            f"{name}_arr_delay_14d": mean("arr_delay", over="14d"),
            f"{name}_arr_delay_28d": mean("arr_delay", over="28d"),
        },
    )


origin_delays = delays_of(Entity("origin", keys=["origin"]))
carrier_delays = delays_of(Entity("carrier", keys=["carrier"]))
carrier_at_origin_delays = delays_of(Entity("carrier_at_origin", keys=["carrier", "origin"]))
route_delays = delays_of(Entity("route", keys=["origin", "dest"]))

plane = FeatureView(
    "plane",
    entity=Entity("aircraft", keys=["tailnum"]),
    source=planes,
    features=latest("seats", "built_year"),
    ttl="5y",
)
