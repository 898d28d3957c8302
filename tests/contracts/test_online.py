"""What every implementation of OnlineStore must hold."""

from concurrent.futures import ThreadPoolExecutor

from tidemill.features.online import OnlineItem, OnlineStore


def test_a_missing_key_is_left_out(store: OnlineStore) -> None:
    assert store.get_many(["nowhere"]) == {}
    store.put("there", b"1", sequence=1, expires_at=None)
    assert list(store.get_many(["nowhere", "there"])) == ["there"]


def test_asking_for_nothing_is_an_empty_page(store: OnlineStore) -> None:
    assert store.get_many([]) == {}


def test_an_item_comes_back_as_it_was(store: OnlineStore) -> None:
    value = bytes(range(256)) * 20
    assert store.put("plane#1|N10156", value, sequence=2**62, expires_at=4_102_444_800)
    assert store.get_many(iter(["plane#1|N10156"])) == {"plane#1|N10156": OnlineItem(value, 2**62)}


def test_a_duplicate_or_older_write_is_told_and_changes_nothing(store: OnlineStore) -> None:
    assert store.put("k", b"second", sequence=2, expires_at=None)
    assert not store.put("k", b"again", sequence=2, expires_at=None)
    assert not store.put("k", b"first", sequence=1, expires_at=None)
    assert store.get_many(["k"]) == {"k": OnlineItem(b"second", 2)}


def test_a_newer_write_replaces(store: OnlineStore) -> None:
    store.put("k", b"first", sequence=1, expires_at=None)
    assert store.put("k", b"third", sequence=3, expires_at=None)
    assert store.get_many(["k"]) == {"k": OnlineItem(b"third", 3)}


def test_of_racing_writes_of_one_sequence_exactly_one_wins(store: OnlineStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        wins = pool.map(lambda n: store.put("k", b"%d" % n, sequence=1, expires_at=None), range(8))
        assert sum(wins) == 1


def test_more_keys_than_one_call_takes_are_all_read_though_some_repeat(store: OnlineStore) -> None:
    keys = [f"k{number}" for number in range(230)]
    for key in keys:
        store.put(key, key.encode(), sequence=1, expires_at=None)
    found = store.get_many([*keys, *keys[:50]])
    assert {key: item.value for key, item in found.items()} == {key: key.encode() for key in keys}


def test_many_writes_of_a_commit_leave_what_is_as_new_alone_and_can_be_repeated(store: OnlineStore) -> None:
    store.put("newer", b"kept", sequence=3, expires_at=None)
    values = {"newer": b"lost", **{f"k{number}": b"%d" % number for number in range(30)}}
    assert store.put_many(values, sequence=2) == 30
    assert store.put_many(values, sequence=2) == 0
    assert store.put_many({}, sequence=4) == 0
    assert store.get_many(values) == {
        "newer": OnlineItem(b"kept", 3),
        **{f"k{number}": OnlineItem(b"%d" % number, 2) for number in range(30)},
    }
