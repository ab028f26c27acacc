"""Push consumers by nats-py: `push.py URL`. Prints a line for each thing that it has seen."""
import asyncio
import json
import sys

from nats.js.api import ConsumerConfig, StreamConfig
from nats.js.errors import APIError
from restarting import STORAGE, dial, restart

LARGE = 600


def say(*words):
    print(json.dumps(words), flush=True)


async def texts(sub, count):
    return [(await sub.next_msg(timeout=10)).data.decode() for _ in range(count)]


async def main(url):
    nc = await dial(url)
    js = nc.jetstream()
    await js.add_stream(
        StreamConfig(name="EVENTS", subjects=["events.>"], storage=STORAGE)
    )
    for i in range(5):
        await js.publish(f"events.{i % 2}", f"{i}".encode())

    sub = await js.subscribe("events.>")
    messages = [await sub.next_msg(timeout=10) for _ in range(5)]
    say("all", [message.data.decode() for message in messages])
    for message in messages:
        await message.ack_sync()
    info = await sub.consumer_info()
    say("info", info.num_pending, info.num_ack_pending, info.push_bound)
    name = info.name
    await sub.unsubscribe()
    # The client deletes what it has made.
    try:
        await js.consumer_info("EVENTS", name)
    except APIError as error:
        say("gone", error.code, error.err_code)

    got = asyncio.Queue()
    await js.subscribe("events.1", durable="d", cb=got.put)
    say("callback", [(await asyncio.wait_for(got.get(), 10)).data.decode() for _ in range(2)])
    try:
        await js.subscribe("events.1", durable="d")
    except Exception as error:
        say("bound", type(error).__name__, str(error))

    one, two = [await js.subscribe("events.>", "workers", durable="workers") for _ in range(2)]
    await asyncio.sleep(0.3)
    say("group", one.pending_msgs + two.pending_msgs)
    await restart(nc)
    say("queue", (await js.consumer_info("EVENTS", "workers")).config.deliver_group)

    config = ConsumerConfig(flow_control=True, idle_heartbeat=1)
    flow = await js.subscribe("events.0", config=config)
    say("flow", await texts(flow, 3))
    # Before it, because nats-py makes no other one when a server has lost that.
    await restart(nc)
    ordered = await js.subscribe("events.>", ordered_consumer=True)
    say("ordered", await texts(ordered, 5))
    # More than the first window of flow control.
    for i in range(LARGE):
        await js.publish("events.large", f"{i}".encode() + b"x" * 20_000)
    large = [(await ordered.next_msg(timeout=10)).data for _ in range(LARGE)]
    say("large", all(data.startswith(f"{i}x".encode()) for i, data in enumerate(large)))
    latest = await js.subscribe("events.0", deliver_policy="last", config=ConsumerConfig())
    say("last", await texts(latest, 1))
    say(await js.delete_stream("EVENTS"))
    await nc.close()


asyncio.run(main(sys.argv[1]))
