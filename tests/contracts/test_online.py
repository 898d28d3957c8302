"""What every implementation of OnlineStore must hold."""

from concurrent.futures import ThreadPoolExecutor

from tidemill.features.online import OnlineItem, OnlineStore


def test_a_missing_key_is_left_out(store: OnlineStore) -> None:
    assert store.get_many(["nowhere"]) == {}
    store.put("there", OnlineItem(b"1", 1))
    assert list(store.get_many(["nowhere", "there"])) == ["there"]


def test_asking_for_nothing_is_an_empty_page(store: OnlineStore) -> None:
    assert store.get_many([]) == {}


def test_an_item_comes_back_as_it_was(store: OnlineStore) -> None:
    value = bytes(range(256)) * 20
    assert store.put("plane#1|N10156", OnlineItem(value, 2**62, 4_102_444_800))
    assert store.get_many(iter(["plane#1|N10156"])) == {
        "plane#1|N10156": OnlineItem(value, 2**62, 4_102_444_800)
    }


def test_an_item_that_overflowed_says_so_until_one_that_did_not_is_written(store: OnlineStore) -> None:
    for sequence, overflowed in enumerate([True, False], start=1):
        store.put("k", OnlineItem(b"v", sequence, overflowed=overflowed))
        assert store.get_many(["k"])["k"].overflowed == overflowed


def test_a_duplicate_or_older_write_is_told_and_changes_nothing(store: OnlineStore) -> None:
    assert store.put("k", OnlineItem(b"second", 2))
    assert not store.put("k", OnlineItem(b"again", 2))
    assert not store.put("k", OnlineItem(b"first", 1))
    assert store.get_many(["k"]) == {"k": OnlineItem(b"second", 2)}


def test_a_newer_write_replaces(store: OnlineStore) -> None:
    store.put("k", OnlineItem(b"first", 1))
    assert store.put("k", OnlineItem(b"third", 3))
    assert store.get_many(["k"]) == {"k": OnlineItem(b"third", 3)}


def test_of_racing_writes_of_one_sequence_exactly_one_wins(store: OnlineStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        wins = pool.map(lambda n: store.put("k", OnlineItem(b"%d" % n, 1)), range(8))
        assert sum(wins) == 1


def test_more_keys_than_one_call_takes_are_all_read_though_some_repeat(store: OnlineStore) -> None:
    keys = [f"k{number}" for number in range(230)]
    for key in keys:
        store.put(key, OnlineItem(key.encode(), 1))
    found = store.get_many([*keys, *keys[:50]])
    assert {key: item.value for key, item in found.items()} == {key: key.encode() for key in keys}


def test_a_consistent_read_sees_every_write_before_it(store: OnlineStore) -> None:
    for sequence in range(1, 20):
        store.put("k", OnlineItem(b"%d" % sequence, sequence))
        assert store.get_many(["k"], consistent=True)["k"].sequence == sequence


def test_an_item_may_come_to_expire_earlier_or_never_with_its_next_write(store: OnlineStore) -> None:
    for sequence, expires_at in enumerate([4_102_444_800, 4_102_444_000, None], start=1):
        store.put("k", OnlineItem(b"v", sequence, expires_at))
        assert store.get_many(["k"])["k"].expires_at == expires_at


def test_many_writes_of_a_commit_leave_what_is_as_new_alone_and_can_be_repeated(store: OnlineStore) -> None:
    store.put("newer", OnlineItem(b"kept", 3))
    commit = {"newer": OnlineItem(b"lost", 2)} | {
        f"k{number}": OnlineItem(b"%d" % number, 2, number or None) for number in range(30)
    }
    assert store.put_many(commit) == 30
    assert store.put_many(commit) == 0
    assert store.put_many({}) == 0
    assert store.get_many(commit) == {**commit, "newer": OnlineItem(b"kept", 3)}
