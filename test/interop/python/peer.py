"""Drives nats-py for the interoperation tests: JSON requests on stdin, answers and events on stdout."""

import asyncio
import base64
import json
import sys

import nats
from nats import errors

LINE_BYTES_MAX = 64 * 1024 * 1024


def say(**answer):
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def kind_of(error):
    if isinstance(error, errors.NoRespondersError):
        return "no responders"
    if isinstance(error, errors.MaxPayloadError):
        return "max payload"
    # asyncio's own time-out is not a subclass of the client's.
    if isinstance(error, (errors.TimeoutError, asyncio.TimeoutError)):
        return "timeout"
    return "other"


def plain(msg):
    return {
        "subject": msg.subject,
        "reply": msg.reply,
        "data": base64.b64encode(msg.data).decode(),
        # nats-py keeps one value of a repeated header.
        "headers": {key: [value] for key, value in (msg.headers or {}).items()},
    }


def header_values(request):
    return {key: values[-1] for key, values in request["headers"].items()} or None


class Peer:
    def __init__(self):
        self.nc = None
        self.name = ""
        self.subs = {}

    async def connect(self, request):
        async def on_disconnect():
            say(status="disconnect")

        async def on_reconnect():
            say(status="reconnect")

        async def on_lame_duck():
            say(status="ldm")

        async def on_error(error):
            print(f"error: {error!r}", file=sys.stderr)

        self.name = request["name"]
        self.nc = await nats.connect(
            request["url"].split(","),
            name=self.name,
            reconnect_time_wait=0.1,
            max_reconnect_attempts=-1,
            dont_randomize=True,
            disconnected_cb=on_disconnect,
            reconnected_cb=on_reconnect,
            lame_duck_mode_cb=on_lame_duck,
            error_cb=on_error,
        )
        version = self.nc.connected_server_version
        text = f"{version.major}.{version.minor}.{version.patch}"
        return {"maxPayload": self.nc.max_payload, "version": text}

    async def subscribe(self, request):
        async def on_message(msg):
            say(sub=request["sub"], message=plain(msg))

        sub = await self.nc.subscribe(request["subject"], queue=request["queue"], cb=on_message)
        self.subs[request["sub"]] = sub
        await self.nc.flush()

    async def unsubscribe(self, request):
        await self.subs[request["sub"]].unsubscribe(limit=request["max"])
        await self.nc.flush()

    async def respond(self, request):
        async def on_message(msg):
            headers = {**(msg.headers or {}), "Served-By": self.name}
            await self.nc.publish(msg.reply, msg.data, headers=headers)

        await self.nc.subscribe(request["subject"], queue=request["queue"], cb=on_message)
        await self.nc.flush()

    async def publish(self, request):
        data = base64.b64decode(request["data"])
        reply = request["reply"]
        await self.nc.publish(request["subject"], data, reply=reply, headers=header_values(request))

    async def request(self, request):
        data = base64.b64decode(request["data"])
        seconds = request["timeoutMs"] / 1000
        headers = header_values(request)
        answer = await self.nc.request(request["subject"], data, timeout=seconds, headers=headers)
        return {"message": plain(answer)}

    async def flush(self, _request):
        await self.nc.flush()

    async def rtt(self, _request):
        # nats-py has no rtt of its own: a flush is one PING and its PONG.
        loop = asyncio.get_running_loop()
        start = loop.time()
        await self.nc.flush()
        return {"rttMs": (loop.time() - start) * 1000}

    async def drain(self, _request):
        await self.nc.drain()

    async def serve(self, line):
        request = json.loads(line)
        try:
            answer = await getattr(self, request["op"])(request)
            say(id=request["id"], **(answer or {}))
        except Exception as error:
            say(id=request["id"], error={"kind": kind_of(error), "message": str(error)})


async def main():
    reader = asyncio.StreamReader(limit=LINE_BYTES_MAX)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    peer = Peer()
    while line := await reader.readline():
        await peer.serve(line)
    if peer.nc is not None and not peer.nc.is_closed:
        await peer.nc.close()


asyncio.run(main())
