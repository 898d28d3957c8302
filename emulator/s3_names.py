"""The names S3 gives its answers, where moto derives others: strict readers such as Arrow look at them."""

from typing import Any

from moto.core.serialize import S3Serializer

from emulator.events.hooks import Hooks

_ROOTS = {
    "CompleteMultipartUploadResponse": "CompleteMultipartUploadResult",
    "CreateMultipartUploadResponse": "InitiateMultipartUploadResult",
    "DeleteObjectsResponse": "DeleteResult",
    "ListBucketsResponse": "ListAllMyBucketsResult",
    "ListMultipartUploadsResponse": "ListMultipartUploadsResult",
    "ListObjectVersionsResponse": "ListVersionsResult",
    "ListObjectsResponse": "ListBucketResult",
    "ListObjectsV2Response": "ListBucketResult",
    "ListPartsResponse": "ListPartsResult",
}


def install(hooks: Hooks) -> None:
    """Have S3's answers named as AWS names them.

    Parameters
    ----------
    hooks
        Remembers what was replaced.
    """
    serialize = S3Serializer._serialize_body  # noqa: SLF001 - moto offers no seam here

    def named_body(self: S3Serializer, body: Any) -> Any:
        return serialize(self, {_ROOTS.get(root, root): content for root, content in body.items()})

    hooks.replace(S3Serializer, "_serialize_body", named_body)
