"""Features for consumers outside: one entity of a view by GET, and many in the shape Feast's clients read."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidemill.errors import ExpressionError, InvalidRequest, NotFound, did_you_mean
from tidemill.expressions.columns import Column, Columns, Type, column, parse_timestamp
from tidemill.features.definitions import ViewDefinition
from tidemill.features.online import OnlineStore, ViewAnswer, look_up
from tidemill.serving.http import Request, Response, Route, Router

MAX_ENTITIES = 1000
_EPOCH = "1970-01-01T00:00:00Z"
"""What Feast's clients expect as the time of a value that is not there."""
UNANSWERED = (
    "too little is kept of this entity to answer as of now: its rows did not fit one item; it answers again "
    "when its longest window is past, or after its next row where latest values were too large, or once the "
    "view is declared with fewer features or longer hops"
)
_FEAST_FIELDS = {"features", "entities", "full_feature_names"}


@dataclass(frozen=True)
class FeaturesApi:
    """What the API answers from.

    Attributes
    ----------
    views
        The declared views by name.
    store
        The online store.
    """

    views: Mapping[str, ViewDefinition]
    store: OnlineStore

    def router(self) -> Router:
        """Return the routing table."""
        return Router(
            [
                Route("GET", "/features/{view}", self.read_entity),
                Route("POST", "/get-online-features", self.read_entities),
            ]
        )

    def read_entity(self, request: Request, names: Mapping[str, str]) -> Response:
        """Answer the features of one entity as of now; the query gives its key.

        Raises
        ------
        NotFound
            If there is no such view.
        InvalidRequest
            If the query does not give the view's key.
        """
        view = self._view(names["view"])
        key = _key_of(view, request.query)
        (answer,) = self._look_up([view], key, request.at)
        (newest,) = answer.newest
        document = {
            "view": view.name,
            "version": view.version,
            "key": {name: _plain(each)[0] for name, each in key.items()},
            "at": _shown(request.at),
            "features": {name: _plain(each)[0] for name, each in answer.columns.items()},
            "freshness": None if newest is None else _shown(newest),
        }
        return Response(200, document if answer.answerable[0] else {**document, "unanswered": UNANSWERED})

    def read_entities(self, request: Request, _names: Mapping[str, str]) -> Response:
        """Answer Feast's ``get-online-features``: one vector for each entity key and feature, in order.

        Raises
        ------
        NotFound
            If a view or feature is not there.
        InvalidRequest
            If the body is not as Feast's clients send it, or asks for what there is not.
        """
        body = _feast_body(request.body)
        wanted = [self._feature(reference) for reference in body["features"]]
        views = list({view.name: view for view, _ in wanted}.values())
        entities = _entity_columns(views, body["entities"])
        answers = {each.view.name: each for each in self._look_up(views, entities, request.at)}
        results = [_entity_vector(each) for each in entities.values()]
        results += [_feature_vector(answers[view.name], feature) for view, feature in wanted]
        full = body.get("full_feature_names", False)
        feature_names = [f"{view.name}__{feature}" if full else feature for view, feature in wanted]
        metadata = {"feature_names": [*entities, *feature_names]}
        return Response(200, {"metadata": metadata, "results": results})

    def _look_up(self, views: Sequence[ViewDefinition], key: Columns, at: datetime) -> list[ViewAnswer]:
        n_rows = len(next(iter(key.values())))
        return look_up(views, key, column(Type.TIMESTAMP, [at] * n_rows), self.store, now=at)

    def _view(self, name: str) -> ViewDefinition:
        if name not in self.views:
            raise NotFound(f"unknown view `{name}`{did_you_mean(name, self.views)}")
        return self.views[name]

    def _feature(self, reference: object) -> tuple[ViewDefinition, str]:
        name, _, feature = reference.partition(":") if isinstance(reference, str) else ("", "", "")
        if not feature:
            raise InvalidRequest(
                f"`features` holds {json.dumps(reference)[:80]}; name each as view:feature", field="features"
            )
        view = self._view(name)
        known = [each.name for each in view.features]
        if feature not in known:
            raise NotFound(f"view `{name}` has no feature `{feature}`{did_you_mean(feature, known)}")
        return view, feature


def _key_of(view: ViewDefinition, query: Mapping[str, str]) -> dict[str, Column]:
    """Read an entity's key from a query: each key column by its name, or the only one as ``key``."""
    types = dict(view.keys)
    given = dict(query)
    if len(types) == 1 and "key" in given and "key" not in types:
        given[next(iter(types))] = given.pop("key")
    for name in given:
        if name not in types:
            raise InvalidRequest(
                f"view `{view.name}` has no key `{name}`{did_you_mean(name, types)}", field=name
            )
    for name in types:
        if name not in given:
            wanted = "&".join(f"{each}=..." for each in types)
            raise InvalidRequest(
                f"the query gives no `{name}`; ask /features/{view.name}?{wanted}", field=name
            )
    return {name: column(type_, [_typed(given[name], type_, name)]) for name, type_ in types.items()}


def _entity_columns(views: Sequence[ViewDefinition], entities: Mapping[str, Any]) -> dict[str, Column]:
    """Read the entities' keys, which are to be those of the views."""
    types = {name: type_ for view in views for name, type_ in view.keys}
    for name in entities:
        if name not in types:
            raise InvalidRequest(
                f"`entities` has `{name}`, which is a key of none of the views{did_you_mean(name, types)}",
                field=f"entities.{name}",
            )
    for name in types:
        if not isinstance(entities.get(name), list):
            raise InvalidRequest(
                f"`entities` has no list `{name}`, a key of the views", field=f"entities.{name}"
            )
    sizes = {len(values) for values in entities.values()}
    if len(sizes) != 1 or not 1 <= next(iter(sizes)) <= MAX_ENTITIES:
        raise InvalidRequest(
            f"the lists of `entities` have {sorted(sizes)} values; give 1 to {MAX_ENTITIES:,}, all as many",
            field="entities",
        )
    return {
        name: column(
            types[name],
            [_typed(value, types[name], f"entities.{name}[{i}]") for i, value in enumerate(values)],
        )
        for name, values in entities.items()
    }


def _typed(value: Any, type_: Type, field: str) -> Any:
    """Read one value of a key, as JSON or as text of a query."""
    try:
        return None if value is None else _READERS[type_](value)
    except (ValueError, TypeError, LookupError, OverflowError, ExpressionError) as error:
        raise InvalidRequest(
            f"`{field}` is {json.dumps(value)[:80]}, which is no {type_.value}", field=field
        ) from error


def _read_string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _read_int(value: Any) -> int:
    number = int(value)
    if isinstance(value, bool | float) or not -(2**63) <= number < 2**63:
        raise ValueError
    return number


def _read_bool(value: Any) -> bool:
    return {"true": True, "false": False}[str(value).lower()]


def _read_float(_value: Any) -> float:
    raise TypeError  # no view has such a key


_READERS: dict[Type, Callable[[Any], Any]] = {
    Type.STRING: _read_string,
    Type.INT: _read_int,
    Type.BOOL: _read_bool,
    Type.FLOAT: _read_float,
    Type.TIMESTAMP: parse_timestamp,
}


def _feast_body(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidRequest("the body is not a JSON object")
    for name, value in document.items():
        if name not in _FEAST_FIELDS and value:
            raise InvalidRequest(
                f"`{name}` is not supported; ask with `features` as view:feature and `entities`", field=name
            )
    if not isinstance(document.get("features"), list) or not document["features"]:
        raise InvalidRequest("`features` is no list of view:feature", field="features")
    if not isinstance(document.get("entities"), dict):
        raise InvalidRequest("`entities` is no object of lists by key", field="entities")
    return document


def _entity_vector(values: Column) -> dict[str, Any]:
    n = len(values)
    return {"values": _plain(values), "statuses": ["PRESENT"] * n, "event_timestamps": [_EPOCH] * n}


def _feature_vector(answer: ViewAnswer, feature: str) -> dict[str, Any]:
    is_latest = feature in {each.name for each in answer.view.latest}
    states = zip(
        answer.columns[feature].valid.tolist(),
        answer.found.tolist(),
        answer.answerable.tolist(),
        (answer.too_old & is_latest).tolist(),
        strict=True,
    )
    statuses = [_status(*state) for state in states]
    shown = [
        value if status == "PRESENT" else None
        for value, status in zip(_plain(answer.columns[feature]), statuses, strict=True)
    ]
    times = [_EPOCH if newest is None else _shown(newest) for newest in answer.newest]
    return {"values": shown, "statuses": statuses, "event_timestamps": times}


def _status(valid: bool, found: bool, answerable: bool, too_old: bool) -> str:  # noqa: FBT001  # one row's facts
    if not found:
        return "NOT_FOUND"
    if not answerable:
        return "INVALID"
    if too_old:
        return "OUTSIDE_MAX_AGE"
    return "PRESENT" if valid else "NULL_VALUE"


def _plain(values: Column) -> list[Any]:
    shown = values.to_list()
    return [_shown(value) if isinstance(value, datetime) else value for value in shown]


def _shown(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
