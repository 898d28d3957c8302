"""Ends what buckets' lifecycle rules end, on the cloud's clock.

A timer stands at the next midnight at which something may end. What a rule has ended is told to EventBridge
and to the bucket's notifications as the end of its lifecycle.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

from moto.s3.models import FakeBucket, FakeDeleteMarker, S3Backend, s3_backends

from emulator.events.clock import Clock, Timer
from emulator.events.hooks import Hooks
from emulator.events.lifecycle_rules import Rule, Version, midnight_after, read_rules
from emulator.events.object_changes import ObjectChanges
from emulator.events.work import Work

_GIVEN = "lifecycle_given"
"""Where a bucket keeps its rules as they were given: moto forgets half of what they may say."""


class Lifecycle:
    """Follows buckets with lifecycle rules.

    Every method but the first runs in S3's turn, as its requests do.

    Parameters
    ----------
    clock
        Decides what is over.
    changes
        Tells of what has ended.
    work
        Counts a round of endings.
    turn
        Gives the context in which a service is used by nobody else.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        changes: ObjectChanges,
        work: Work,
        turn: Callable[[str], AbstractContextManager[object]],
    ) -> None:
        self._clock = clock
        self._changes = changes
        self._work = work
        self._turn = turn
        self._timer: Timer | None = None
        clock.on_set(self._end_all)

    def install(self, hooks: Hooks) -> None:
        """Follow rules and writes."""
        set_rules, delete_rules = FakeBucket.set_lifecycle, FakeBucket.delete_lifecycle
        begin = S3Backend.create_multipart_upload

        def set_lifecycle(bucket: Any, rules: list[dict[str, Any]]) -> None:
            set_rules(bucket, rules)
            setattr(bucket, _GIVEN, rules)
            self._plan(self._next_of(bucket))

        def delete_lifecycle(bucket: Any) -> None:
            delete_rules(bucket)
            setattr(bucket, _GIVEN, [])

        def create_multipart_upload(backend: Any, bucket_name: str, *args: Any, **kwargs: Any) -> Any:
            upload: Any = begin(backend, bucket_name, *args, **kwargs)
            upload.begun = self._clock.now()
            self._note(backend.get_bucket(bucket_name))
            return upload

        hooks.replace(FakeBucket, "set_lifecycle", set_lifecycle)
        hooks.replace(FakeBucket, "delete_lifecycle", delete_lifecycle)
        hooks.replace(S3Backend, "create_multipart_upload", create_multipart_upload)
        for name in ("put_object", "delete_object"):
            hooks.replace(S3Backend, name, self._noting(getattr(S3Backend, name)))

    def refresh(self) -> None:
        """Take up the buckets there are now."""
        with self._turn("s3"):
            for bucket in _buckets():
                self._plan(self._next_of(bucket))

    def _noting(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(backend: Any, bucket_name: str, *args: Any, **kwargs: Any) -> Any:
            answer = change(backend, bucket_name, *args, **kwargs)
            self._note(backend.get_bucket(bucket_name))
            return answer

        return changed

    def _note(self, bucket: Any) -> None:
        """Have a look as soon as something that is written now may end."""
        now = self._clock.now()
        dues = [rule.soonest(now) for rule in _rules(bucket)]
        self._plan(min((due for due in dues if due is not None), default=None))

    def _plan(self, due: datetime | None) -> None:
        if due is None or (self._timer is not None and self._timer.due <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_at(due, self._end_all, what="objects end", order="s3")

    def _end_all(self) -> None:
        with self._work.doing("lifecycle"), self._turn("s3"):
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            now = self._clock.now()
            for bucket in list(_buckets()):
                for _, end in [found for found in self._endings(bucket) if found[0] <= now]:
                    end()
                self._plan(self._next_of(bucket))

    def _next_of(self, bucket: Any) -> datetime | None:
        return min((due for due, _ in self._endings(bucket)), default=None)

    def _endings(self, bucket: Any) -> Iterator[tuple[datetime, Callable[[], None]]]:
        """List what will end in a bucket as it is, and how it is ended."""
        rules = _rules(bucket)
        backend = s3_backends[bucket.account_id]["aws"]
        if not rules:
            return
        for key in list(bucket.keys):
            versions = [_version(backend, each) for each in bucket.keys.getlist(key)]
            dues = {
                (ending.due, ending.version_id) for rule in rules for ending in rule.endings(key, versions)
            }
            for due, version_id in _first_of_each(dues):
                yield due, self._ending(backend, bucket.name, key, version_id)
        for upload in list(bucket.multiparts.values()):
            for due in _upload_ends(rules, upload):
                yield due, _aborting(backend, bucket.name, upload.id)

    def _ending(self, backend: Any, bucket: str, key: str, version_id: str | None) -> Callable[[], None]:
        def end() -> None:
            with self._changes.of_lifecycle():
                backend.delete_object(bucket, key, version_id=version_id)

        return end


def _first_of_each(dues: set[tuple[datetime, str | None]]) -> list[tuple[datetime, str | None]]:
    """Keep the earliest end of each version: several rules may end it."""
    earliest: dict[str | None, datetime] = {}
    for due, version_id in dues:
        earliest[version_id] = min(due, earliest.get(version_id, due))
    return [(due, version_id) for version_id, due in earliest.items()]


def _buckets() -> Iterator[Any]:
    for account in list(s3_backends):
        yield from list(s3_backends[account]["aws"].buckets.values())


def _rules(bucket: Any) -> tuple[Rule, ...]:
    return read_rules(getattr(bucket, _GIVEN, ()))


def _version(backend: Any, key: Any) -> Version:
    modified = key.last_modified.replace(tzinfo=UTC)
    if isinstance(key, FakeDeleteMarker):
        return Version(key.version_id, modified, is_marker=True)
    tags = backend.tagger.get_tag_dict_for_resource(key.arn)
    return Version(key.version_id, modified, is_marker=False, size=key.size, tags=tuple(tags.items()))


def _upload_ends(rules: tuple[Rule, ...], upload: Any) -> list[datetime]:
    days = [
        rule.upload_days
        for rule in rules
        if rule.upload_days is not None and upload.key_name.startswith(rule.prefix)
    ]
    return [midnight_after(upload.begun, min(days))] if days else []


def _aborting(backend: Any, bucket: str, upload_id: str) -> Callable[[], None]:
    return lambda: backend.abort_multipart_upload(bucket, upload_id)
