"""Which changes of objects S3 tells of.

moto tells of new tags whenever an object is put or copied, of a put beside each completed upload of parts,
of a deleted version only when it was the last, and of delete markers never.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from moto.s3 import notifications as s3_notifications
from moto.s3.models import S3Backend
from moto.s3.notifications import S3NotificationEvent
from moto.s3.responses import S3Response

from emulator.events.hooks import Hooks

_PUT = S3NotificationEvent.OBJECT_CREATED_PUT_EVENT
_TAGGED = S3NotificationEvent.OBJECT_TAGGING_PUT_EVENT
_DELETED = S3NotificationEvent.OBJECT_REMOVED_DELETE_EVENT
_MARKED = S3NotificationEvent.OBJECT_REMOVED_DELETE_MARKER_CREATED_EVENT
_BY_LIFECYCLE = {
    _DELETED: S3NotificationEvent.LIFECYCLEEXPIRATION_DELETE_EVENT,
    _MARKED: S3NotificationEvent.LIFECYCLE_EXPIRATION_DELETE_MARKER_CREATED_EVENT,
}


class ObjectChanges:
    """Has moto tell of those changes that AWS tells of."""

    def __init__(self) -> None:
        self._thread = threading.local()

    def install(self, hooks: Hooks) -> None:
        """Replace what moto tells of deletions, tags and uploads of parts."""
        tell, delete = s3_notifications.send_event, S3Backend.delete_object
        tag, complete = S3Response.put_object_tagging, S3Backend.complete_multipart_upload

        def send_event(account_id: str, event_name: S3NotificationEvent, bucket: Any, key: Any) -> None:
            invented = {_TAGGED: not self._is("tagging"), _PUT: self._is("completing")}
            if not invented.get(event_name, False) and not self._is("deleting"):
                tell(account_id, event_name, bucket, key)

        def delete_object(
            backend: Any, bucket_name: str, key_name: str, version_id: str | None = None, **options: Any
        ) -> tuple[bool, dict[str, Any]]:
            bucket = backend.get_bucket(bucket_name)
            gone = _found(bucket, key_name, version_id)
            with self._while("deleting"):
                answer: tuple[bool, dict[str, Any]] = delete(
                    backend, bucket_name, key_name, version_id=version_id, **options
                )
            names = _BY_LIFECYCLE if self._is("of lifecycle") else {}
            if answer[0] and bucket.is_versioned and version_id is None:
                tell(backend.account_id, names.get(_MARKED, _MARKED), bucket, bucket.keys[key_name])
            elif answer[0] and gone is not None:
                tell(backend.account_id, names.get(_DELETED, _DELETED), bucket, gone)
            return answer

        def put_object_tagging(response: Any) -> Any:
            with self._while("tagging"):
                return tag(response)

        def complete_multipart_upload(backend: Any, *args: Any, **kwargs: Any) -> Any:
            with self._while("completing"):
                return complete(backend, *args, **kwargs)

        hooks.replace(s3_notifications, "send_event", send_event)
        hooks.replace(S3Backend, "complete_multipart_upload", complete_multipart_upload)
        hooks.replace(S3Backend, "delete_object", delete_object)
        hooks.replace(S3Response, "put_object_tagging", put_object_tagging)

    def of_lifecycle(self) -> AbstractContextManager[None]:
        """Have deletions in the block told as those of lifecycle rules."""
        return self._while("of lifecycle")

    def _is(self, doing: str) -> bool:
        return bool(getattr(self._thread, doing, False))

    @contextmanager
    def _while(self, doing: str) -> Iterator[None]:
        setattr(self._thread, doing, True)
        try:
            yield
        finally:
            setattr(self._thread, doing, False)


def _found(bucket: Any, key_name: str, version_id: str | None) -> Any:
    """Find the object, or its version, that is about to be deleted."""
    if version_id is None:
        return bucket.keys.get(key_name)
    versions = bucket.keys.getlist(key_name, [])
    return next((key for key in versions if str(key.version_id) == str(version_id)), None)
