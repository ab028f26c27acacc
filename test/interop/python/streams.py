"""Streams and pull consumers by nats-py: `streams.py URL`. Prints a line for each thing that it has seen."""
import asyncio
import json
import sys

from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    RetentionPolicy,
    StreamConfig,
)
from nats.js.errors import APIError, NotFoundError
from restarting import STORAGE, dial, restart


def say(*words):
    print(json.dumps(words), flush=True)


async def main(url):
    nc = await dial(url)
    js = nc.jetstream()
    info = await js.add_stream(
        StreamConfig(
            name="JOBS",
            subjects=["jobs.*"],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=STORAGE,
            max_age=3600,
        )
    )
    say("stream", info.config.name, info.config.retention, info.state.messages)
    for i in range(5):
        ack = await js.publish("jobs.new", f"job {i}".encode(), headers={"Nats-Msg-Id": f"{i}"})
    say("ack", ack.stream, ack.seq, ack.duplicate)
    again = await js.publish("jobs.new", b"job 4", headers={"Nats-Msg-Id": "4"})
    say("again", again.seq, again.duplicate)
    try:
        await js.publish("jobs.new", b"", headers={"Nats-Expected-Last-Sequence": "1"})
    except APIError as error:
        say("refused", error.code, error.err_code, error.description)

    psub = await js.pull_subscribe("jobs.*", durable="worker")
    first = (await psub.fetch(1, timeout=2))[0]
    say("first", first.data.decode(), first.metadata.sequence.stream, first.metadata.num_pending)
    await first.ack_sync()
    await restart(nc)
    again = await js.publish("jobs.new", b"job 4", headers={"Nats-Msg-Id": "4"})
    say("again", again.seq, again.duplicate)
    second, third = await psub.fetch(2, timeout=2)
    await second.nak()
    await third.term()
    # nats-server takes acks on a way of their own, on which the next pull may overtake one.
    await asyncio.sleep(0.2)
    redelivered = (await psub.fetch(1, timeout=2))[0]
    say("again", redelivered.data.decode(), redelivered.metadata.num_delivered)
    await redelivered.in_progress()
    await redelivered.ack_sync()
    for message in await psub.fetch(2, timeout=2):
        await message.ack_sync()
    try:
        await psub.fetch(1, timeout=0.5)
    except NatsTimeout:
        say("nothing more")
    await restart(nc)
    state = (await js.stream_info("JOBS")).state
    say("left", state.messages, state.first_seq, state.last_seq)
    consumer = await psub.consumer_info()
    say("consumer", consumer.num_pending, consumer.num_ack_pending, consumer.ack_floor.stream_seq)

    kv = await js.create_key_value(bucket="SETTINGS", history=3, storage=STORAGE)
    say("put", await kv.put("color", b"red"), await kv.update("color", b"blue", last=1))
    await restart(nc)
    entry = await kv.get("color")
    say("get", entry.value.decode(), entry.revision)
    await kv.delete("color")
    try:
        await kv.get("color")
    except NotFoundError as error:
        say("deleted", type(error).__name__)
    await restart(nc)
    say("status", (await kv.status()).values)
    config = ConsumerConfig(durable_name="c", ack_policy=AckPolicy.NONE)
    say("added", (await js.add_consumer("KV_SETTINGS", config)).num_pending)
    say(await js.delete_key_value("SETTINGS"), await js.delete_stream("JOBS"))
    await nc.close()


asyncio.run(main(sys.argv[1]))
