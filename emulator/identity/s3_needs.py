"""Which permissions requests to S3 need.

Operations are not actions there: ``HeadObject`` needs ``s3:GetObject``, a copy reads and writes.
"""

import re
from urllib.parse import unquote
from xml.sax.saxutils import unescape

from emulator.identity.policy import Need
from emulator.identity.request import AwsRequest

_KEYS = re.compile(rb"<Object>.*?</Object>", re.DOTALL)
_KEY = re.compile(r"<Key>(.*?)</Key>", re.DOTALL)
_VERSION = re.compile(r"<VersionId>(.+?)</VersionId>", re.DOTALL)
_OBJECT_ACTIONS = {
    "PutObject": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "AbortMultipartUpload": "AbortMultipartUpload",
    "ListParts": "ListMultipartUploadParts",
    "PutObjectTagging": "PutObjectTagging",
    "DeleteObjectTagging": "DeleteObjectTagging",
    "GetObjectTagging": "GetObjectTagging",
}
_VERSIONED_ACTIONS = {"GetObject": "GetObject", "HeadObject": "GetObject", "DeleteObject": "DeleteObject"}
_BUCKET_ACTIONS = {
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "CreateBucket": "CreateBucket",
    "DeleteBucket": "DeleteBucket",
    "BucketGet:location": "GetBucketLocation",
    "BucketGet:versioning": "GetBucketVersioning",
    "BucketPut:versioning": "PutBucketVersioning",
    "BucketGet:policy": "GetBucketPolicy",
    "BucketPut:policy": "PutBucketPolicy",
    "BucketDelete:policy": "DeleteBucketPolicy",
    "BucketGet:notification": "GetBucketNotification",
    "BucketPut:notification": "PutBucketNotification",
    "GetObjectTagging": "GetBucketTagging",
    "PutObjectTagging": "PutBucketTagging",
}
_OTHER_SUBRESOURCES = frozenset(
    {"acl", "attributes", "legal-hold", "restore", "retention", "select", "torrent"}
)
_LISTING_KEYS = {"prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys"}


def s3_needs(request: AwsRequest) -> tuple[Need, ...] | None:
    """Name the permissions a request to S3 needs.

    Parameters
    ----------
    request
        The request.

    Returns
    -------
    tuple of Need or None
        None for an operation without a mapping.
    """
    bucket, _, key = request.path.lstrip("/").partition("/")
    if request.operation == "ListBuckets":
        return (Need("s3:ListAllMyBuckets", "*"),)
    if request.operation == "DeleteObjects":
        return _deletions(request, bucket)
    if key:
        return _object_needs(request, bucket, key)
    action = _BUCKET_ACTIONS.get(request.operation)
    if action is None:
        return None
    listing = {name: request.query[given] for given, name in _LISTING_KEYS.items() if given in request.query}
    return (Need(f"s3:{action}", _arn(bucket), listing if action.startswith("ListBucket") else {}),)


def listing_need(request: AwsRequest) -> Need:
    """Name the permission to be told that an object does not exist: S3 answers 403 without it.

    AWS judges this with the object's key as ``s3:prefix`` (found by Ceph, whose gateway does the same:
    github.com/ceph/ceph/pull/68577), so leave to list a prefix is enough for the keys below it.

    Parameters
    ----------
    request
        A request for an object.

    Returns
    -------
    Need
        ``s3:ListBucket`` on its bucket.
    """
    bucket, _, key = request.path.lstrip("/").partition("/")
    return Need("s3:ListBucket", _arn(bucket), {"s3:prefix": key})


def _object_needs(request: AwsRequest, bucket: str, key: str) -> tuple[Need, ...] | None:
    if not _OTHER_SUBRESOURCES.isdisjoint(request.query):
        return None
    arn = _arn(f"{bucket}/{key}")
    versioned = _VERSIONED_ACTIONS.get(request.operation)
    if versioned:
        return (_of_version(versioned, arn, request.query.get("versionId")),)
    action = _OBJECT_ACTIONS.get(request.operation)
    if action is None:
        return None
    needs = [Need(f"s3:{action}", arn)]
    for header, named in (("x-amz-tagging", "PutObjectTagging"), ("x-amz-acl", "PutObjectAcl")):
        if header in request.headers:
            needs.append(Need(f"s3:{named}", arn))
    source = request.headers.get("x-amz-copy-source")
    if source:
        path, _, version = source.lstrip("/").partition("?versionId=")
        needs.append(_of_version("GetObject", _arn(unquote(path)), version or None))
    return tuple(needs)


def _of_version(action: str, arn: str, version: str | None) -> Need:
    if version is None:
        return Need(f"s3:{action}", arn)
    return Need(f"s3:{action}Version", arn, {"s3:versionid": version})


def _deletions(request: AwsRequest, bucket: str) -> tuple[Need, ...] | None:
    needs = []
    for entry in _KEYS.findall(request.body):
        text = entry.decode()
        key, version = _KEY.search(text), _VERSION.search(text)
        if key is None:
            return None
        name = unescape(key[1], {"&quot;": '"', "&apos;": "'", "&#x0D;": "\r", "&#x0A;": "\n"})
        needs.append(_of_version("DeleteObject", _arn(f"{bucket}/{name}"), version[1] if version else None))
    return tuple(needs) or None


def _arn(resource: str) -> str:
    return f"arn:aws:s3:::{resource}"
