"""Buckets, objects and an ordered consumer by nats-py: `stores.py URL`. Prints a line for each thing that it has seen."""
import asyncio
import json
import sys

from nats.js.api import KeyValueConfig, ObjectMeta, ObjectStoreConfig, StreamConfig
from nats.js.errors import (
    BucketNotFoundError,
    KeyDeletedError,
    KeyNotFoundError,
    KeyWrongLastSequenceError,
    ObjectNotFoundError,
)
from restarting import STORAGE, dial, restart


def say(*words):
    print(json.dumps(words), flush=True)


async def raised(awaitable):
    try:
        await awaitable
    except Exception as error:
        return type(error).__name__
    return "nothing"


async def heard(watcher, count):
    """The next things that it tells of. Its mark may be among them: nats-py sets it by a count that is asked for meanwhile."""
    updates = []
    while len(updates) < count:
        update = await watcher.updates(timeout=30)
        if update is not None:
            updates.append(update)
    return updates


async def bucket(nc, js):
    kv = await js.create_key_value(
        KeyValueConfig(bucket="users", history=5, storage=STORAGE)
    )
    say("put", await kv.put("a", b"1"), await kv.put("a", b"2"))
    entry = await kv.get("a")
    say("get", entry.key, entry.value.decode(), entry.revision)
    say("first", (await kv.get("a", revision=1)).value.decode())
    say("update", await kv.update("a", b"3", last=2))
    say("wrong", await raised(kv.update("a", b"x", last=2)) == KeyWrongLastSequenceError.__name__)
    await restart(nc)
    say("exists", await raised(kv.create("a", b"x")) == KeyWrongLastSequenceError.__name__)
    await kv.delete("a")
    say("deleted", await raised(kv.get("a")) in (KeyDeletedError.__name__, KeyNotFoundError.__name__))
    say("create", await kv.create("a", b"again"))
    say("history", [(e.revision, e.operation, e.delta) for e in await kv.history("a")])
    for i in range(10):
        await kv.put(f"k.{i}", str(i).encode())
    await kv.purge("k.3")
    say("keys", sorted(await kv.keys()))
    watcher = await kv.watch("k.*", ignore_deletes=True)
    initial = [update.key for update in await heard(watcher, 9)]
    await restart(nc)
    await kv.put("k.new", b"x")
    [update] = await heard(watcher, 1)
    say("watch", initial, update.key, update.value.decode())
    await watcher.stop()
    status = await kv.status()
    say("status", status.bucket, status.values, status.history)
    await js.delete_key_value("users")
    say("gone", await raised(js.key_value("users")) == BucketNotFoundError.__name__)


async def objects(nc, js):
    store = await js.create_object_store("files", ObjectStoreConfig(storage=STORAGE))
    data = b"0123456789abcdef" * 20_000
    info = await store.put("big", data, meta=ObjectMeta(description="many chunks"))
    say("put", info.size, info.chunks, info.digest)
    await restart(nc)
    got = await store.get("big")
    say("get", got.data == data, got.info.name)
    await store.put("small", b"text")
    await store.update_meta("small", ObjectMeta(name="small", description="changed"))
    say("list", sorted((each.name, each.size) for each in await store.list()))
    watcher = await store.watch()
    initial = [info.name for info in await heard(watcher, 2)]
    await restart(nc)
    await store.delete("small")
    [gone] = await heard(watcher, 1)
    say("watch", initial, gone.name, gone.deleted)
    await watcher.stop()
    say("deleted", await raised(store.get("small")) == ObjectNotFoundError.__name__)
    await store.seal()
    await restart(nc)
    say("sealed", (await store.status()).sealed, await raised(store.put("late", b"x")))
    await js.delete_object_store("files")


async def ordered(nc, js):
    await js.add_stream(StreamConfig(name="LOG", subjects=["log.*"], storage=STORAGE))
    for i in range(200):
        await js.publish(f"log.{i % 3}", str(i).encode())
    sub = await js.subscribe("log.*", ordered_consumer=True)
    seqs = []
    for i in range(200):
        message = await sub.next_msg(timeout=30)
        if i == 100:
            await restart(nc)
        seqs.append(message.metadata.sequence.stream)
    say("ordered", seqs == list(range(1, 201)))
    await sub.unsubscribe()
    await js.delete_stream("LOG")


async def main(url):
    nc = await dial(url)
    js = nc.jetstream()
    await bucket(nc, js)
    await objects(nc, js)
    await ordered(nc, js)
    await nc.close()


asyncio.run(main(sys.argv[1]))
