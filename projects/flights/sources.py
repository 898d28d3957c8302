"""What the airports' data team delivers: a file of flights a week, and the register of aircraft."""

from tidemill import Float, Int, Source, String, Timestamp, Weekly, col, unique

AIRPORTS = ["EWR", "JFK", "LGA"]

# The conditions at the airport in the hour of the scheduled departure; a gauge may have been silent.
WEATHER = {
    "temp": Float,  # °F
    "dewp": Float,  # °F
    "humid": Float,  # relative, %
    "wind_dir": Float,  # degrees
    "wind_speed": Float,  # mph
    "wind_gust": Float,  # mph; null when there are no gusts
    "precip": Float,  # inches
    "pressure": Float,  # millibars at sea level
    "visib": Float,  # miles
}

flights = Source(
    "flights",
    schema={
        "flight_id": String,
        "carrier": String,
        "flight": Int,
        "tailnum": String,
        "origin": String,
        "dest": String,
        "scheduled_at": Timestamp,
        "landed_at": Timestamp,  # when it was due, for a flight that never arrived
        "dep_delay": Float,  # minutes; null when cancelled
        "arr_delay": Float,  # minutes; null when cancelled or diverted
        "air_time": Float,  # minutes
        "distance": Float,  # miles
        **WEATHER,
    },
    key=["flight_id"],
    timestamp="landed_at",
    known=Weekly(on="monday", at="00:00"),
    checks=[
        unique("flight_id"),
        col("origin").is_in(AIRPORTS),
        col("air_time") > 0,
        col("distance") > 0,
        col("landed_at") > col("scheduled_at"),
    ],
)

planes = Source(
    "planes",
    schema={"tailnum": String, "built_year": Float, "seats": Float, "listed_at": Timestamp},
    key=["tailnum"],
    timestamp="listed_at",
    checks=[unique("tailnum"), col("seats") > 0],
)
