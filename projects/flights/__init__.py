"""Will this flight arrive more than 15 minutes late? Asked at its scheduled departure from New York.

Real flights of 2013 from New York's three airports. A week's flights arrive as one file on the Monday
after, so what a feature sees at any moment of a week ends with the week before, in training as in
serving. The conditions at the scheduled hour come with the request: a caller has them.
"""

from typing import Any

from projects.flights.clock import new_york_hour, new_york_weekday
from projects.flights.sources import WEATHER, flights, planes
from projects.flights.views import (
    LATE,
    carrier_at_origin_delays,
    carrier_delays,
    origin_delays,
    plane,
    route_delays,
)
from tidemill import (
    Improves,
    Model,
    Monitor,
    Observations,
    Parity,
    Project,
    Retrain,
    SkewFree,
    Slices,
    TimeSplit,
    col,
)


def boosted_trees() -> Any:
    """Return small, strongly regularised boosted trees: a month's weather is few independent days."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.1, l2_regularization=1.0, max_leaf_nodes=15, random_state=0
    )


late_arrival = Model(
    "late_arrival",
    observations=Observations(
        flights,
        key="flight_id",
        time=col("scheduled_at"),
        request=["carrier", "origin", "dest", "tailnum", "scheduled_at", "distance", *WEATHER],
    ),
    label=LATE,
    features=[
        origin_delays,
        carrier_delays,
        carrier_at_origin_delays,
        route_delays,
        plane,
        "distance",
        *WEATHER,
        {"hour": new_york_hour(col("scheduled_at")), "weekday": new_york_weekday(col("scheduled_at"))},
    ],
    estimator=boosted_trees,
    search={"min_samples_leaf": [200, 1000]},
    metric="roc_auc",
    split=TimeSplit(validation="7d", test="7d"),
    gates=[Improves(by=0.0), Parity(1e-6), SkewFree(), Slices("origin", max_drop=0.05)],
    monitor=Monitor(every="1d", window="7d"),
    retrain=Retrain(on=["drift", "performance"], cooldown="28d"),
)

project = Project("flights", sources=[flights, planes], models=[late_arrival])
